// What sysfs tells of block devices. The root is a parameter so that stacks this kernel cannot build can be tested.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "handle.h"

namespace hotplugd {

class Sysfs {
 public:
  explicit Sysfs(std::string root) : root_(std::move(root)) {}

  // The directory of a block device; none if the kernel has no such device.
  Fd device(dev_t number) const;
  // Bytes; none if there is no such device.
  std::optional<std::uint64_t> sizeBytes(dev_t number) const;
  // Of the whole disk for a partition; none where the kernel has none.
  std::optional<std::string> diskseq(dev_t number) const;
  // The disk that a partition is a part of.
  std::optional<dev_t> parentDisk(dev_t number) const;
  // What a device-mapper or RAID device is built on.
  std::vector<dev_t> slaves(dev_t number) const;
  // The directories of the loop devices that have a backing file now.
  std::vector<Fd> boundLoops() const;

 private:
  std::string linkOf(dev_t number) const;

  std::string root_;
};

}  // namespace hotplugd
