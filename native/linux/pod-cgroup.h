// The control group of a pod, in every layout a kubelet makes.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace hotplugd {

struct PodCgroup {
  // 1: of a hierarchy of version 1, that of `devices` if there is one. 2: of the unified one.
  int version;
  std::string directory;
};

struct CgroupMember {
  pid_t pid;
  std::string cgroup;
};

// Only where a kubelet puts pods: a control group of that name which a pod made below its own is never found.
// `root` is where control groups are mounted: /sys/fs/cgroup.
std::optional<PodCgroup> findPodCgroup(const std::string& root, const std::string& podUid);

// The directory and everything below it, parents first. Empty if it is gone.
std::vector<std::string> cgroupsBelow(const std::string& directory);
// The processes of one control group, without those below it. Empty if it is gone.
std::vector<pid_t> processesIn(const std::string& directory);
std::vector<CgroupMember> membersBelow(const std::string& directory);

}  // namespace hotplugd
