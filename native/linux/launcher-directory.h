// The directory of a launcher that hot-plugged volumes are exposed in, from the node's side and from the launcher's own.
#pragma once

#include <optional>
#include <string>

#include "pod-image.h"
#include "process-of-pod.h"
#include "sysfs.h"

namespace hotplugd {

struct LauncherDirectory {
  // The kubelet's directory of pods.
  std::string podsDirectory;
  std::string podUid;
};

// On the node's side. An invalid descriptor: the pod's directory is gone. Throws Refusal `unsafe`.
Fd openFromNode(const LauncherDirectory& directory);
// In the launcher's mount namespace. Throws ESTALE if what is mounted there is not that directory of the pod.
Fd openFromLauncher(const Fd& process, const PlaceInPod& place, const LauncherDirectory& directory);

// Whether an entry lies on another mount than its directory.
bool isMounted(const Fd& entry, const Fd& directory);

}  // namespace hotplugd
