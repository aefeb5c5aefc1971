#include "events.h"

#include <array>

#include "error.h"

namespace hotplugd {

namespace {

void tell(void* sink, const char* kind, virDomainPtr domain, std::string detail) {
  (*static_cast<EventSink*>(sink))({kind, virDomainGetName(domain), std::move(detail)});
}

void freeSink(void* sink) { delete static_cast<EventSink*>(sink); }

// Names in the order of libvirt's virDomainEventType.
const char* lifecycleName(int event) {
  static constexpr std::array kNames = {"defined",  "undefined", "started",     "suspended", "resumed",
                                        "stopped", "shutdown",  "pmsuspended", "crashed"};
  return event >= 0 && event < static_cast<int>(kNames.size()) ? kNames[event] : "changed";
}

std::string detailName(int event, int detail) {
  if (event == VIR_DOMAIN_EVENT_STOPPED) {
    static constexpr std::array kStops = {"shutdown", "destroyed", "crashed", "migrated", "saved", "failed", "snapshot"};
    if (detail >= 0 && detail < static_cast<int>(kStops.size())) return std::string("/") + kStops[detail];
  }
  if (event == VIR_DOMAIN_EVENT_STARTED) {
    static constexpr std::array kStarts = {"booted", "migrated", "restored", "snapshot", "wakeup"};
    if (detail >= 0 && detail < static_cast<int>(kStarts.size())) return std::string("/") + kStarts[detail];
  }
  return {};
}

void onLifecycle(virConnectPtr, virDomainPtr domain, int event, int detail, void* sink) {
  tell(sink, "domain", domain, lifecycleName(event) + detailName(event, detail));
}

void onReboot(virConnectPtr, virDomainPtr domain, void* sink) { tell(sink, "domain", domain, "rebooted"); }

void onAdded(virConnectPtr, virDomainPtr domain, const char* alias, void* sink) {
  tell(sink, "disk-added", domain, alias);
}

void onRemoved(virConnectPtr, virDomainPtr domain, const char* alias, void* sink) {
  tell(sink, "disk-removed", domain, alias);
}

void onRemovalFailed(virConnectPtr, virDomainPtr domain, const char* alias, void* sink) {
  tell(sink, "disk-removal-failed", domain, alias);
}

void onClosed(virConnectPtr, int reason, void* sink) {
  static constexpr std::array kReasons = {"an error on the connection", "libvirt closed the connection",
                                          "libvirt did not answer keepalives", "closed by this program"};
  const bool known = reason >= 0 && reason < static_cast<int>(kReasons.size());
  (*static_cast<EventSink*>(sink))({"closed", "", known ? kReasons[reason] : "the connection was closed"});
}

template <typename Callback>
int registerOne(virConnectPtr connection, int id, Callback callback, const EventSink& sink) {
  auto* own = new EventSink(sink);
  const int number = virConnectDomainEventRegisterAny(connection, nullptr, id, VIR_DOMAIN_EVENT_CALLBACK(callback),
                                                      own, freeSink);
  if (number < 0) delete own;
  return checked(number);
}

}  // namespace

void hear(virConnectPtr connection, const EventSink& sink, std::vector<int>& callbacks) {
  const auto add = [&](int id, auto callback) { callbacks.push_back(registerOne(connection, id, callback, sink)); };
  add(VIR_DOMAIN_EVENT_ID_LIFECYCLE, onLifecycle);
  add(VIR_DOMAIN_EVENT_ID_REBOOT, onReboot);
  add(VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, onAdded);
  add(VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, onRemoved);
  add(VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED, onRemovalFailed);
}

void deafen(virConnectPtr connection, const std::vector<int>& callbacks) noexcept {
  for (const int callback : callbacks) virConnectDomainEventDeregisterAny(connection, callback);
}

void hearLoss(virConnectPtr connection, const EventSink& sink) {
  auto* own = new EventSink(sink);
  const int result = virConnectRegisterCloseCallback(connection, onClosed, own, freeSink);
  if (result < 0) delete own;
  checked(result);
}

void deafenLoss(virConnectPtr connection) noexcept { virConnectUnregisterCloseCallback(connection, onClosed); }

}  // namespace hotplugd
