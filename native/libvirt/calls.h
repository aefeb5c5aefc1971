// Everything that is asked of libvirt, each a blocking call for a session's own thread. All throw LibvirtError.
#pragma once

#include <libvirt/libvirt.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "domain-xml.h"
#include "process.h"

namespace hotplugd {

struct DomainName {
  std::string name;
  std::string uuid;
  bool active;
};

struct DomainSnapshot {
  std::string uuid;
  // running, paused, off, saved
  const char* state = "off";
  bool persistent = false;
  std::optional<ProcessRef> process;
  std::vector<Disk> disks;
  std::vector<int> scsiControllers;
  std::vector<Disk> persistentDisks;
};

// What a change applies to: the running domain, or its persistent definition.
enum class Scope { live, config };

std::vector<DomainName> listDomains(virConnectPtr connection);

// Nullopt: there is no such domain.
std::optional<DomainSnapshot> observe(virConnectPtr connection, const std::string& name,
                                      const Whereabouts& whereabouts);

// How a call comes to its domain: looked up by name or, known by its UUID, without asking. Throws as any call.
using DomainHandle = std::shared_ptr<virDomain>;
using FindDomain = std::function<DomainHandle()>;
DomainHandle domainNamed(virConnectPtr connection, const std::string& name);
DomainHandle domainWithUuid(virConnectPtr connection, const std::string& uuid);

// Nullopt: no such domain, not running, or no disk with that alias.
std::optional<Disk> liveDisk(const FindDomain& find, const std::string& alias);

std::string domainXml(virConnectPtr connection, const std::string& name, Scope scope);

// Adds the disk only if the XML says exactly what is expected: HOTPLUGD_BAD_XML otherwise.
void attach(const FindDomain& find, const std::string& xml, const ExpectedDisk& expected, Scope scope);

// Compares with the domain's XML and asks for the removal, in one go: HOTPLUGD_DISK_MISMATCH, HOTPLUGD_DISK_ABSENT.
// For a running domain it returns before the disk is gone; it must not be asked again while that is pending.
void detach(virConnectPtr connection, const std::string& name, const ExpectedDisk& expected, Scope scope);

void update(virConnectPtr connection, const std::string& name, const std::string& xml, Scope scope);

// Nullopt: no such disk, or the domain does not run. Asks QEMU.
std::optional<unsigned long long> capacity(virConnectPtr connection, const std::string& name,
                                           const std::string& target);

// Never makes a disk smaller: HOTPLUGD_WOULD_SHRINK.
void resize(virConnectPtr connection, const std::string& name, const std::string& target, unsigned long long bytes);

// QEMU's answer to a command of its own protocol, as JSON. libvirt marks the domain as tainted by it, in its log.
std::string monitor(virConnectPtr connection, const std::string& name, const std::string& command);

void shutdown(virConnectPtr connection, const std::string& name);

}  // namespace hotplugd
