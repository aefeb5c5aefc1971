// Threads for calls that may block for as long as they like.
#pragma once

#include <pthread.h>
#include <signal.h>

#include <thread>
#include <utility>

namespace hotplugd {

// A named thread that nobody joins: whatever it uses it must own, since a stuck one is left behind at exit.
// It takes no signals, so that none interrupts a system call below a C library that does not expect it.
template <typename Body>
void spawnDetached(const char* name, Body body) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread(std::move(body));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_setname_np(thread.native_handle(), name);
  thread.detach();
}

}  // namespace hotplugd
