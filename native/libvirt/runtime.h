// libvirt's process-wide part: initialisation, silence on stderr, and the one thread that runs its event loop.
#pragma once

namespace hotplugd {

// Any thread, any number of times. The event thread never ends: it dies with the process.
void startLibvirt();

}  // namespace hotplugd
