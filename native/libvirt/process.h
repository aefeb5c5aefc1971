// libvirt has no call that names a domain's QEMU process, so it is read from libvirt's pid file and then proven.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace hotplugd {

struct ProcessRef {
  int pid;
  // Field 22 of /proc/PID/stat: with the pid it names one process for the whole boot.
  std::string startTime;
};

// Looks below each of libvirt's run directories. Nullopt: no pid file, or the process is not that domain's QEMU.
std::optional<ProcessRef> findQemu(const std::vector<std::string>& runDirs, const std::string& name,
                                   const std::string& uuid);

}  // namespace hotplugd
