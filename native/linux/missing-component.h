// Saying which part of a path is not there.
#pragma once

#include <string>

#include "loop.h"

namespace hotplugd {

// `{kind: 'missing', path, component, target}`: the first component that is absent, or no directory where one is needed
// (`isNotDirectory`); `target` is where it points if it is a link that leads nowhere.
Render findMissingComponent(const std::string& path);

}  // namespace hotplugd
