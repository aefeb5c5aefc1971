// Which file systems answer without a server, so that their files may be asked on the event loop.
#pragma once

#include <sys/types.h>

#include "handle.h"

namespace hotplugd {

// Any thread. Learns of the file system that a descriptor lies on.
void rememberFilesystem(const Fd& fd, dev_t filesystem);
// Any thread. Never waits; a file system that nobody looked at counts as remote.
bool isKnownLocal(dev_t filesystem);

}  // namespace hotplugd
