// Looking a source up: what a path given by an authorised user really leads to.
#pragma once

#include <string>

#include "loop.h"
#include "sysfs.h"

namespace hotplugd {

struct LookUpRequest {
  std::string path;
  // Read the first bytes of the image, for formats that have a header.
  bool withHead = false;
  Sysfs sysfs;
};

// Links in the path are followed once; below a directory nothing is followed. Only block devices are opened for
// reading (exclusively, for an instant), and images whose header was asked for; nothing is ever opened by name twice.
Render lookUpSource(const LookUpRequest& request);

// Whether a device is held exclusively by somebody for longer than an instant. `EXDEV` if the path is another device now.
Render probeExclusiveUse(const std::string& path, dev_t device);

// Device or inode that the path leads to now; a link in the last component is not followed.
Render identifyNotFollowing(const std::string& path, const Sysfs& sysfs);

}  // namespace hotplugd
