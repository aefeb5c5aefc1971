// One connection to libvirt with its own thread. JavaScript never waits here, and libuv's pool is never used.
//
// One call at a time and no more: libvirt's client (9.0) sleeps through the wake-up of a second thread now and then, so
// that a call beside one that is stuck stalls until the next keepalive (measured: 5 s in every other run). More calls at
// once need more connections. It is below the daemon's own limit of five requests per client, keepalives included.
#pragma once

#include <libvirt/libvirt.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "calls.h"
#include "events.h"

namespace hotplugd {

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

  // Runs the job, which must not throw, on the session's thread with the connection; null before connect().
  // False: the session is closed. Throws LibvirtError HOTPLUGD_NO_THREAD.
  bool enqueue(Job job);

  // On the session's thread. Throws LibvirtError.
  void connect();
  // On the session's thread: the domain of that UUID, looked up the first time only. A handle tells libvirt nothing but the
  // UUID, so it never leads to another domain; where that one is gone, calls with it say so. Throws LibvirtError.
  DomainHandle domain(const std::string& uuid);

  // Any thread; returns at once. Jobs that have not begun are dropped. The thread closes the connection as its last act:
  // one that is stuck in libvirt keeps it until it comes free or the process ends.
  void close() noexcept;

 private:
  void work();
  // With the mutex held.
  void startThread();
  bool next(Job& job);
  void disconnect() noexcept;

  const SessionOptions options_;
  const EventSink sink_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  bool started_ = false;
  bool closed_ = false;
  // The session's thread only:
  virConnectPtr connection_ = nullptr;
  std::vector<int> callbacks_;
  std::map<std::string, DomainHandle> domains_;
};

}  // namespace hotplugd
