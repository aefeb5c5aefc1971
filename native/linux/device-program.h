// Device rules of control groups of version 2: BPF programs, which can only be replaced as a whole.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "loop.h"

namespace hotplugd {

// What is to be allowed besides what was. Both lists are block devices, for reading, writing and mknod.
struct DeviceRules {
  std::vector<dev_t> granted;
  std::vector<dev_t> revoked;
};

// Changes the programs attached to each of the control groups so that they allow the granted devices first and behave as
// before for everything else; what was revoked of earlier grants is decided by the program beneath again. Answers `{changed,
// programs}`: how many programs had to be changed, and the ids of all that are attached now.
Render changeDeviceRules(const std::vector<std::string>& cgroups, const DeviceRules& rules);

// Ids of the programs attached to the control groups, in their order: they change whenever a program is put in place of
// another.
Render attachedDevicePrograms(const std::vector<std::string>& cgroups);

}  // namespace hotplugd
