// Device numbers, and the keys under which the model knows devices and inodes.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>
#include <string_view>

namespace hotplugd {

// `MAJOR:MINOR` in decimal, both ways.
std::string deviceText(dev_t device);
std::optional<dev_t> parseDevice(std::string_view text);

// Keys of a footprint: `b:MAJ:MIN` and `i:MAJ:MIN:INODE`.
std::string blockKey(dev_t device);
std::string inodeKey(dev_t filesystem, ino_t inode);

// `FIFO`, `socket`, … for people.
const char* kindOf(mode_t mode);

}  // namespace hotplugd
