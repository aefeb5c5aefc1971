// One connection to libvirt with its own threads. JavaScript never waits here, and libuv's pool is never used.
#pragma once

#include <libvirt/libvirt.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "events.h"

namespace hotplugd {

// libvirtd answers at most five requests of one client at a time, and a keepalive is one of them.
inline constexpr int kCallsInFlight = 4;

struct SessionOptions {
  std::string uri;
  // Not empty: the socket to connect to, however long its path is.
  std::string socketPath;
  int keepAliveIntervalS = 5;
  unsigned keepAliveCount = 3;
  bool events = false;
};

class Session : public std::enable_shared_from_this<Session> {
 public:
  using Job = std::function<void(virConnectPtr)>;

  Session(SessionOptions options, EventSink sink);

  // Runs the job, which must not throw, on one of the session's threads with the connection; null before connect().
  // False: the session is closed. Throws LibvirtError HOTPLUGD_NO_THREAD.
  bool enqueue(Job job);

  // On a thread of the session. Throws LibvirtError.
  void connect();

  // Any thread; returns at once. Jobs that have not begun are dropped. The last thread to end closes the connection:
  // one that is stuck in libvirt keeps it until it comes free or the process ends.
  void close() noexcept;

 private:
  void work();
  // With the mutex held.
  void addThread();
  bool next(Job& job);
  void leave() noexcept;

  const SessionOptions options_;
  const EventSink sink_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  int threads_ = 0;
  int idle_ = 0;
  bool closed_ = false;
  std::atomic<virConnectPtr> connection_ = nullptr;
  std::vector<int> callbacks_;
};

}  // namespace hotplugd
