// The socket of the libvirt daemon in a launcher.
#pragma once

#include <string>
#include <vector>

#include "loop.h"
#include "process-of-pod.h"

namespace hotplugd {

// `{kind: 'found', fd, pid, path}`: an O_PATH descriptor, the caller's to close, of the first of the names that is a socket
// somebody listens on, and the listener. Names are relative to the launcher's root and resolved within it; one whose last
// component is a link is passed over. Else `{kind: 'none', found: [{path, what}]}`.
Render openLauncherSocket(const ProcessOfPod& process, const std::vector<std::string>& names);

}  // namespace hotplugd
