// Footprints of paths that other disks use, and of devices that the host uses.
#pragma once

#include <string>
#include <vector>

#include "loop.h"
#include "process-of-pod.h"
#include "sysfs.h"

namespace hotplugd {

// One per path, links followed; null where there is neither a block device nor a regular file.
Render footprintsOfPaths(const std::vector<std::string>& paths, const Sysfs& sysfs);

// `{devices, loops}`: one footprint per device asked for, and `{device, backingFile, isKnown, footprint}` of every
// loop device with a backing file.
Render footprintsOfHost(const std::vector<dev_t>& devices, const Sysfs& sysfs);

// Footprints of paths as a process of a pod sees them, in the same order; null where nothing usable is there. Links are
// followed within that view.
Render footprintsInPod(const ProcessOfPod& process, const std::vector<std::string>& paths, const Sysfs& sysfs);

}  // namespace hotplugd
