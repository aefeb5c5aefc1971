#include "pool.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <list>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "system-error.h"
#include "thread.h"

namespace hotplugd::pool {
namespace {

constexpr int kKeptThreads = 2;
constexpr auto kIdleTime = std::chrono::seconds(5);
// Acts take microseconds; one that takes so long counts as hanging.
constexpr auto kPatience = std::chrono::milliseconds(100);

using Clock = std::chrono::steady_clock;

struct Pool {
  std::mutex mutex;
  std::condition_variable wake;
  std::condition_variable crowded;
  std::deque<std::function<void()>> jobs;
  // When the jobs under way began.
  std::list<Clock::time_point> running;
  int threads = 0;
  int idle = 0;
  bool isWatched = false;
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
    const auto began = pool.running.insert(pool.running.end(), Clock::now());
    lock.unlock();
    job();
    job = nullptr;
    lock.lock();
    pool.running.erase(began);
  }
  --pool.threads;
}

// What cannot be spawned now is tried again by the watch.
bool spawn(const char* name, void (*body)()) {
  try {
    spawnDetached(name, body);
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}

void grow(Pool& pool) {
  if (spawn("hotplugd-host", work)) ++pool.threads;
}

// Woken threads count as idle until they take their job, so the numbers are compared.
bool lacksThreads(const Pool& pool) { return static_cast<int>(pool.jobs.size()) > pool.idle; }

int threadsWanted(const Pool& pool) {
  const auto late = Clock::now() - kPatience;
  const auto hanging = std::count_if(pool.running.begin(), pool.running.end(), [&](auto began) { return began < late; });
  return std::min(kMostThreads, kUsualThreads + static_cast<int>(hanging));
}

// Adds a thread for each that hangs, whenever jobs wait.
[[noreturn]] void watch() {
  auto& pool = shared();
  std::unique_lock lock(pool.mutex);
  for (;;) {
    pool.crowded.wait(lock, [&] { return lacksThreads(pool) && pool.threads < kMostThreads; });
    lock.unlock();
    std::this_thread::sleep_for(kPatience);
    lock.lock();
    for (int more = threadsWanted(pool) - pool.threads; more > 0 && lacksThreads(pool); --more) grow(pool);
  }
}

}  // namespace

void run(std::function<void()> job) {
  auto& pool = shared();
  const std::lock_guard lock(pool.mutex);
  pool.jobs.push_back(std::move(job));
  if (lacksThreads(pool) && pool.threads < kUsualThreads) grow(pool);
  if (pool.threads == 0) {
    pool.jobs.pop_back();
    throw SystemError{EAGAIN, "pthread_create", "hotplugd-host"};
  }
  pool.wake.notify_one();
  if (!lacksThreads(pool)) return;
  if (!pool.isWatched) pool.isWatched = spawn("hotplugd-watch", watch);
  pool.crowded.notify_one();
}

}  // namespace hotplugd::pool
