#include "device.h"

#include <sys/sysmacros.h>

#include <charconv>

namespace hotplugd {

std::string deviceText(dev_t device) { return std::to_string(major(device)) + ":" + std::to_string(minor(device)); }

std::optional<dev_t> parseDevice(std::string_view text) {
  unsigned majorNumber = 0;
  unsigned minorNumber = 0;
  const char* end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, majorNumber);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != ':') return std::nullopt;
  const auto second = std::from_chars(first.ptr + 1, end, minorNumber);
  if (second.ec != std::errc() || second.ptr != end) return std::nullopt;
  return makedev(majorNumber, minorNumber);
}

std::string blockKey(dev_t device) { return "b:" + deviceText(device); }

std::string inodeKey(dev_t filesystem, ino_t inode) {
  return "i:" + deviceText(filesystem) + ":" + std::to_string(inode);
}

const char* kindOf(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG: return "regular file";
    case S_IFBLK: return "block device";
    case S_IFCHR: return "character device";
    case S_IFDIR: return "directory";
    case S_IFIFO: return "FIFO";
    case S_IFSOCK: return "socket";
    case S_IFLNK: return "symbolic link";
    default: return "special file";
  }
}

}  // namespace hotplugd
