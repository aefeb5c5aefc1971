// The few facts of a domain's XML that hotplug needs, read without building anything larger.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace hotplugd {

struct DriveAddress {
  int controller = 0;
  int bus = 0;
  int target = 0;
  int unit = 0;
  bool operator==(const DriveAddress&) const = default;
};

// One <disk>; nullopt where the element is absent.
struct Disk {
  std::string target;
  std::string bus;
  std::string device;
  std::string sourceType;
  std::optional<std::string> source;
  std::optional<std::string> format;
  std::optional<std::string> serial;
  std::optional<std::string> alias;
  std::optional<DriveAddress> address;
  bool readonly = false;
  bool shareable = false;
  // Paths of the backing chain, nearest first, then those of a running block copy.
  std::vector<std::string> backing;
};

// What makes a disk the one that is meant.
struct ExpectedDisk {
  std::string alias;
  std::string target;
  std::string serial;
  std::string path;
  DriveAddress address;
};

struct DomainDefinition {
  std::string uuid;
  // The XML is that of a running domain.
  bool live = false;
  std::vector<Disk> disks;
  // Indexes of virtio-scsi controllers, lowest first.
  std::vector<int> scsiControllers;
};

// Both throw LibvirtError HOTPLUGD_BAD_XML.
DomainDefinition parseDomain(const char* xml);
Disk parseDisk(const std::string& xml);

// Only the disk asked for is taken apart. Nullopt: not listed, or `live` is wanted and the XML is that of a domain
// that is off, whose disks are those of its definition.
std::optional<Disk> findDisk(const char* domainXml, const std::string& alias, bool live);

// Empty: the disk is the expected one. Otherwise what differs, for people: "serial is 'b', not 'a'".
std::string difference(const Disk& disk, const ExpectedDisk& expected);

}  // namespace hotplugd
