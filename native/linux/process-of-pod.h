// A process that is proven to belong to a pod.
#pragma once

#include <cstdint>
#include <string>

#include "beneath.h"
#include "process.h"

namespace hotplugd {

struct ProcessOfPod {
  ProcessQuestion process;
  // Directory of the control group it was found in.
  std::string cgroup;
};

// A mount in a pod, in the mount namespace of one of its processes.
struct PlaceInPod {
  ProcessOfPod process;
  // Absolute, in that namespace; without links.
  std::string mountPoint;
  std::uint64_t mountId;
};

// Its directory in /proc, which stays with that very process. Throws ESRCH if it ended, its pid is another's, or it is
// not in the control group (any more).
Fd openProcessOfPod(const ProcessOfPod& wanted);
// Its mount namespace.
Fd mountNamespaceOf(const Fd& process);
// Its root directory.
Fd rootOf(const Fd& process);
// The root of the mount. Throws ESTALE if another mount is there by now, or none.
Fd openPlace(const Fd& process, const PlaceInPod& place);

}  // namespace hotplugd
