#include "pool.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <utility>

#include "system-error.h"
#include "thread.h"

namespace hotplugd::pool {
namespace {

constexpr int kKeptThreads = 2;
constexpr auto kIdleTime = std::chrono::seconds(5);

struct Pool {
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::function<void()>> jobs;
  int threads = 0;
  int idle = 0;
};

// Never destroyed: threads that hang at exit must not find it gone.
Pool& shared() {
  static auto* const pool = new Pool;
  return *pool;
}

// False: this thread is to end.
bool waitForJob(Pool& pool, std::unique_lock<std::mutex>& lock) {
  ++pool.idle;
  while (pool.jobs.empty()) {
    const bool late = pool.wake.wait_for(lock, kIdleTime) == std::cv_status::timeout;
    if (late && pool.jobs.empty() && pool.threads > kKeptThreads) break;
  }
  --pool.idle;
  return !pool.jobs.empty();
}

void work() {
  auto& pool = shared();
  std::unique_lock lock(pool.mutex);
  while (waitForJob(pool, lock)) {
    auto job = std::move(pool.jobs.front());
    pool.jobs.pop_front();
    lock.unlock();
    job();
    job = nullptr;
    lock.lock();
  }
  --pool.threads;
}

void grow(Pool& pool) {
  try {
    spawnDetached("hotplugd-host", work);
    ++pool.threads;
  } catch (const std::system_error& error) {
    if (pool.threads == 0) throw SystemError{error.code().value(), "pthread_create", "hotplugd-host"};
  }
}

}  // namespace

void run(std::function<void()> job) {
  auto& pool = shared();
  const std::lock_guard lock(pool.mutex);
  // Woken threads count as idle until they take their job, so the queue is compared, not only asked for emptiness.
  if (static_cast<int>(pool.jobs.size()) >= pool.idle && pool.threads < kMostThreads) grow(pool);
  pool.jobs.push_back(std::move(job));
  pool.wake.notify_one();
}

}  // namespace hotplugd::pool
