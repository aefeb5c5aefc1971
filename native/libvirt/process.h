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

// Where a libvirt's QEMU processes are to be found: by its pid files below these directories, or among these processes.
struct Whereabouts {
  std::vector<std::string> runDirs;
  std::vector<int> pids;
};

// Nullopt: nothing there is provenly that domain's QEMU.
std::optional<ProcessRef> findQemu(const Whereabouts& whereabouts, const std::string& name, const std::string& uuid);

}  // namespace hotplugd
