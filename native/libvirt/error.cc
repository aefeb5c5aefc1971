#include "error.h"

#include <libvirt/libvirt.h>

#include "error-names.h"

namespace hotplugd {

namespace {

std::string nameOf(int number) {
  switch (number) {
#define HOTPLUGD_NAME(name) \
  case name:                \
    return #name;
    HOTPLUGD_LIBVIRT_ERRORS(HOTPLUGD_NAME)
#undef HOTPLUGD_NAME
    default:
      return "VIR_ERR_" + std::to_string(number);
  }
}

// The client side reports a broken connection under these two; the daemon's own answers come under its drivers' names.
bool isLoss(const virError& error) {
  return error.domain == VIR_FROM_RPC || error.domain == VIR_FROM_REMOTE || error.code == VIR_ERR_INVALID_CONN;
}

}  // namespace

LibvirtError LibvirtError::last() {
  const virErrorPtr error = virGetLastError();
  // A call that a lost connection cuts off returns -1 without setting any error.
  if (error == nullptr || error->code == VIR_ERR_OK) {
    return {"HOTPLUGD_CONNECTION_LOST", "the connection to libvirt was lost during the call", true};
  }
  LibvirtError found(nameOf(error->code), error->message == nullptr ? "" : error->message, isLoss(*error));
  found.number_ = error->code;
  found.domain_ = error->domain;
  return found;
}

int checked(int result) {
  if (result < 0) throw LibvirtError::last();
  return result;
}

}  // namespace hotplugd
