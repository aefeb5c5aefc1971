#include "calls.h"

#include <libvirt/libvirt-qemu.h>
#include <libvirt/virterror.h>

#include <array>
#include <cstdlib>

#include "error.h"
#include "handle.h"

namespace hotplugd {

namespace {

using Domain = DomainHandle;
using Text = Handle<char, std::free>;

// How often a domain is read again that started or stopped between two calls.
constexpr int kReadAttempts = 5;

Domain lookup(virConnectPtr connection, const std::string& name) { return domainNamed(connection, name); }

bool isActive(const Domain& domain) { return virDomainGetID(domain.get()) != static_cast<unsigned>(-1); }

Text xmlOf(const Domain& domain, unsigned flags) { return Text(checked(virDomainGetXMLDesc(domain.get(), flags))); }

unsigned affects(Scope scope) { return scope == Scope::live ? VIR_DOMAIN_AFFECT_LIVE : VIR_DOMAIN_AFFECT_CONFIG; }

unsigned describes(Scope scope) { return scope == Scope::live ? 0 : VIR_DOMAIN_XML_INACTIVE; }

// Reads as nothing what libvirt answers about a domain that is not there.
template <typename Read>
auto unlessGone(Read read) -> decltype(read()) {
  try {
    return read();
  } catch (const LibvirtError& error) {
    if (error.number() != VIR_ERR_NO_DOMAIN) throw;
    return std::nullopt;
  }
}

struct State {
  int state = VIR_DOMAIN_NOSTATE;
  int reason = 0;
};

// Saved: its disks come back with it, whether libvirt keeps the image (managed save) or a person does (virsh save).
bool isSaved(const Domain& domain, int reason) {
  return reason == VIR_DOMAIN_SHUTOFF_SAVED || checked(virDomainHasManagedSaveImage(domain.get(), 0)) != 0;
}

const char* stateName(const Domain& domain, State now, bool live) {
  if (!live) return isSaved(domain, now.reason) ? "saved" : "off";
  const int state = now.state;
  const bool runs = state == VIR_DOMAIN_RUNNING || state == VIR_DOMAIN_BLOCKED || state == VIR_DOMAIN_NOSTATE;
  return runs ? "running" : "paused";
}

State stateOf(const Domain& domain) {
  State now;
  checked(virDomainGetState(domain.get(), &now.state, &now.reason, 0));
  return now;
}

std::vector<Disk> persistentDisks(const Domain& domain, const DomainSnapshot& snapshot, bool live) {
  if (!snapshot.persistent) return {};
  // The XML of a domain that is off is its definition.
  if (!live) return snapshot.disks;
  return parseDomain(xmlOf(domain, VIR_DOMAIN_XML_INACTIVE).get()).disks;
}

bool agree(int state, bool live) {
  if (live) return state != VIR_DOMAIN_SHUTOFF;
  return state == VIR_DOMAIN_SHUTOFF || state == VIR_DOMAIN_CRASHED;
}

// Nullopt: the domain changed between the calls.
std::optional<DomainSnapshot> tryObserve(const Domain& domain, const Whereabouts& whereabouts) {
  DomainSnapshot snapshot;
  const State now = stateOf(domain);
  auto definition = parseDomain(xmlOf(domain, 0).get());
  if (!agree(now.state, definition.live)) return std::nullopt;
  snapshot.uuid = std::move(definition.uuid);
  snapshot.state = stateName(domain, now, definition.live);
  snapshot.persistent = checked(virDomainIsPersistent(domain.get())) != 0;
  snapshot.disks = std::move(definition.disks);
  snapshot.scsiControllers = std::move(definition.scsiControllers);
  snapshot.persistentDisks = persistentDisks(domain, snapshot, definition.live);
  if (definition.live) snapshot.process = findQemu(whereabouts, virDomainGetName(domain.get()), snapshot.uuid);
  return snapshot;
}

std::optional<Disk> diskIn(const Domain& domain, const std::string& alias, Scope scope) {
  return findDisk(xmlOf(domain, describes(scope)).get(), alias, scope == Scope::live);
}

void requireSame(const Disk& disk, const ExpectedDisk& expected, const char* code) {
  const auto reason = difference(disk, expected);
  if (!reason.empty()) throw LibvirtError(code, "disk " + expected.alias + ": " + reason);
}

void requireActive(const Domain& domain) {
  if (!isActive(domain)) throw LibvirtError("VIR_ERR_OPERATION_INVALID", "domain is not running");
}

// INVALID_ARG is the answer about a disk that the domain does not have, OPERATION_INVALID about a domain that stopped,
// INTERNAL_ERROR about a disk that libvirt lists and QEMU has no more: a libvirtd that was killed may have missed that.
bool meansNoDisk(int number) {
  return number == VIR_ERR_NO_DOMAIN || number == VIR_ERR_INVALID_ARG || number == VIR_ERR_OPERATION_INVALID ||
         number == VIR_ERR_INTERNAL_ERROR;
}

unsigned long long capacityOf(const Domain& domain, const std::string& target) {
  virDomainBlockInfo info{};
  checked(virDomainGetBlockInfo(domain.get(), target.c_str(), &info, 0));
  return info.capacity;
}

}  // namespace

std::vector<DomainName> listDomains(virConnectPtr connection) {
  virDomainPtr* found = nullptr;
  const int count = checked(virConnectListAllDomains(connection, &found, 0));
  const Handle<virDomainPtr, std::free> list(found);
  std::vector<Domain> domains;
  for (int i = 0; i < count; ++i) domains.emplace_back(found[i], virDomainFree);
  std::vector<DomainName> names;
  for (const auto& domain : domains) {
    std::array<char, VIR_UUID_STRING_BUFLEN> uuid{};
    checked(virDomainGetUUIDString(domain.get(), uuid.data()));
    names.push_back({virDomainGetName(domain.get()), uuid.data(), isActive(domain)});
  }
  return names;
}

std::optional<DomainSnapshot> observe(virConnectPtr connection, const std::string& name,
                                      const Whereabouts& whereabouts) {
  for (int attempt = 0; attempt < kReadAttempts; ++attempt) {
    const auto snapshot = unlessGone([&] { return tryObserve(lookup(connection, name), whereabouts); });
    if (snapshot) return snapshot;
    // Gone, or in the middle of a change: only a fresh lookup can tell which.
    if (!unlessGone([&] { return std::optional(lookup(connection, name)); })) return std::nullopt;
  }
  throw LibvirtError("HOTPLUGD_UNSTEADY", "the domain kept starting and stopping while it was read");
}

DomainHandle domainNamed(virConnectPtr connection, const std::string& name) {
  return {checked(virDomainLookupByName(connection, name.c_str())), virDomainFree};
}

DomainHandle domainWithUuid(virConnectPtr connection, const std::string& uuid) {
  return {checked(virDomainLookupByUUIDString(connection, uuid.c_str())), virDomainFree};
}

std::optional<Disk> liveDisk(const FindDomain& find, const std::string& alias) {
  return unlessGone([&] { return diskIn(find(), alias, Scope::live); });
}

std::string domainXml(virConnectPtr connection, const std::string& name, Scope scope) {
  return xmlOf(lookup(connection, name), describes(scope)).get();
}

void attach(const FindDomain& find, const std::string& xml, const ExpectedDisk& expected, Scope scope) {
  requireSame(parseDisk(xml), expected, "HOTPLUGD_BAD_XML");
  checked(virDomainAttachDeviceFlags(find().get(), xml.c_str(), affects(scope)));
}

void detach(virConnectPtr connection, const std::string& name, const ExpectedDisk& expected, Scope scope) {
  const auto domain = lookup(connection, name);
  if (scope == Scope::live) requireActive(domain);
  const auto disk = diskIn(domain, expected.alias, scope);
  if (!disk) throw LibvirtError("HOTPLUGD_DISK_ABSENT", "disk " + expected.alias + " is not listed");
  requireSame(*disk, expected, "HOTPLUGD_DISK_MISMATCH");
  checked(virDomainDetachDeviceAlias(domain.get(), expected.alias.c_str(), affects(scope)));
}

void update(virConnectPtr connection, const std::string& name, const std::string& xml, Scope scope) {
  checked(virDomainUpdateDeviceFlags(lookup(connection, name).get(), xml.c_str(), affects(scope)));
}

std::optional<unsigned long long> capacity(virConnectPtr connection, const std::string& name,
                                           const std::string& target) {
  try {
    const auto domain = lookup(connection, name);
    if (!isActive(domain)) return std::nullopt;
    return capacityOf(domain, target);
  } catch (const LibvirtError& error) {
    if (error.lost() || !meansNoDisk(error.number())) throw;
    return std::nullopt;
  }
}

void resize(virConnectPtr connection, const std::string& name, const std::string& target, unsigned long long bytes) {
  const auto domain = lookup(connection, name);
  requireActive(domain);
  const auto present = capacityOf(domain, target);
  if (bytes < present) {
    throw LibvirtError("HOTPLUGD_WOULD_SHRINK", "disk " + target + " has " + std::to_string(present) +
                                                    " bytes and would shrink to " + std::to_string(bytes));
  }
  checked(virDomainBlockResize(domain.get(), target.c_str(), bytes, VIR_DOMAIN_BLOCK_RESIZE_BYTES));
}

std::string monitor(virConnectPtr connection, const std::string& name, const std::string& command) {
  const auto domain = lookup(connection, name);
  requireActive(domain);
  char* answer = nullptr;
  const int result = virDomainQemuMonitorCommand(domain.get(), command.c_str(), &answer, 0);
  const Text text(answer);
  checked(result);
  return text.get();
}

void shutdown(virConnectPtr connection, const std::string& name) {
  checked(virDomainShutdown(lookup(connection, name).get()));
}

}  // namespace hotplugd
