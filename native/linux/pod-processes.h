// What runs in a pod, and what it has mounted.
#pragma once

#include <string>

#include "loop.h"

namespace hotplugd {

struct PodQuestion {
  std::string procRoot;
  std::string cgroupRoot;
  std::string podUid;
};

// The pids of the pod.
Render processesOfPod(const PodQuestion& question);

// Null if the pod has no control group, else `{version, directory, processes: [{pid, startTime, cgroup, name, user,
// group, mountinfo}]}`, the oldest process first. `mountinfo` is null but for the oldest of each mount namespace; `user` and
// `group` (of its access to files) are null but for QEMU's processes.
Render describePod(const PodQuestion& question);

}  // namespace hotplugd
