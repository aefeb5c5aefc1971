// The sysfs files that tell the sizes of block devices, kept open: reading one again is a single system call, a tenth
// of what looking it up costs. They hold neither the device nor its driver.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace hotplugd {

// Bytes; none if there is no such device. Files that nobody asks for any more are closed after a while.
std::optional<std::uint64_t> sizeFromKeptFile(const std::string& path);

}  // namespace hotplugd
