// Going into mount namespaces of containers and back.
#pragma once

#include <functional>

#include "handle.h"

namespace hotplugd {

// Runs the work on a thread of its own that shares neither root nor working directory with the others, and ends with it:
// whatever namespace it enters, no other thread is ever in it. Throws what the work throws.
void apart(const std::function<void()>& work);

// In `apart` only.
void enterMountNamespace(const Fd& mountNamespace);

}  // namespace hotplugd
