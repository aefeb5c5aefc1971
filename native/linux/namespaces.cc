#include "namespaces.h"

#include <sched.h>

#include <cerrno>
#include <exception>
#include <system_error>
#include <thread>

#include "system-error.h"

namespace hotplugd {
namespace {

void unshareAndRun(const std::function<void()>& work) {
  if (::unshare(CLONE_FS) != 0) fail("unshare", "CLONE_FS");
  work();
}

// Signals are blocked in the pool's threads, and so in those they start.
std::thread start(const std::function<void()>& body) {
  try {
    return std::thread(body);
  } catch (const std::system_error&) {
    throw SystemError{EAGAIN, "pthread_create", "hotplugd-apart"};
  }
}

}  // namespace

void apart(const std::function<void()>& work) {
  std::exception_ptr thrown;
  auto thread = start([&] {
    try {
      unshareAndRun(work);
    } catch (...) {
      thrown = std::current_exception();
    }
  });
  thread.join();
  if (thrown) std::rethrow_exception(thrown);
}

void enterMountNamespace(const Fd& mountNamespace) {
  if (::setns(mountNamespace.get(), CLONE_NEWNS) != 0) fail("setns", "mnt");
}

}  // namespace hotplugd
