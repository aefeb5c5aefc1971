// What libvirt tells by itself, as plain data.
#pragma once

#include <libvirt/libvirt.h>

#include <functional>
#include <string>
#include <vector>

namespace hotplugd {

// kind: domain | disk-added | disk-removed | disk-removal-failed | closed.
// detail: what happened to the domain (started/booted), the device's alias, or why the connection closed.
struct Event {
  const char* kind;
  std::string domain;
  std::string detail;
};

using EventSink = std::function<void(Event)>;

// Registers for everything that hotplug must know of and adds to `callbacks` what deafen() takes. Throws LibvirtError.
void hear(virConnectPtr connection, const EventSink& sink, std::vector<int>& callbacks);
void deafen(virConnectPtr connection, const std::vector<int>& callbacks) noexcept;

// The loss of the connection, told once through the sink. Throws LibvirtError.
void hearLoss(virConnectPtr connection, const EventSink& sink);
void deafenLoss(virConnectPtr connection) noexcept;

}  // namespace hotplugd
