#include "runtime.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <chrono>
#include <mutex>
#include <thread>

#include "error.h"
#include "thread.h"

namespace hotplugd {

namespace {

void ignoreError(void*, virErrorPtr) {}

void runEvents() {
  for (;;) {
    // Only a broken poll fails; going on without a pause would burn a core.
    if (virEventRunDefaultImpl() < 0) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

void startOnce() {
  checked(virInitialize());
  virSetErrorFunc(nullptr, ignoreError);
  checked(virEventRegisterDefaultImpl());
  // Detached on purpose: libvirt's default loop cannot be stopped from outside, and joining it would hang the exit.
  spawnDetached("libvirt-events", runEvents);
}

}  // namespace

void startLibvirt() {
  static std::once_flag once;
  std::call_once(once, startOnce);
}

}  // namespace hotplugd
