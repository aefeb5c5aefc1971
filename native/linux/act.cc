#include "act.h"

#include "pool.h"
#include "system-error.h"

namespace hotplugd {
namespace {

Loop::Task settling(const std::shared_ptr<Loop>& loop, Loop::Ticket ticket, Render render) {
  return [loop, ticket, render = std::move(render)](Napi::Env env) { loop->resolve(ticket, render(env)); };
}

Loop::Task rejecting(const std::shared_ptr<Loop>& loop, Loop::Ticket ticket, SystemError error) {
  return [loop, ticket, error = std::move(error)](Napi::Env env) { loop->reject(ticket, toJs(env, error)); };
}

Loop::Task outcome(const std::shared_ptr<Loop>& loop, Loop::Ticket ticket, const Work& work) {
  try {
    return settling(loop, ticket, work());
  } catch (SystemError& error) {
    return rejecting(loop, ticket, std::move(error));
  } catch (const std::bad_alloc&) {
    return rejecting(loop, ticket, SystemError{ENOMEM, "malloc", ""});
  }
}

}  // namespace

std::shared_ptr<Loop> loopOf(Napi::Env env) {
  auto* held = env.GetInstanceData<std::shared_ptr<Loop>>();
  if (held == nullptr) {
    held = new std::shared_ptr<Loop>(Loop::create(env));
    env.SetInstanceData(held);
  }
  return *held;
}

Napi::Value perform(Napi::Env env, Work work) {
  const auto loop = loopOf(env);
  const auto [ticket, promise] = loop->promise();
  try {
    pool::run([loop, ticket, work = std::move(work)] { loop->post(outcome(loop, ticket, work)); });
  } catch (const SystemError& error) {
    loop->reject(ticket, toJs(env, error));
  }
  return promise;
}

}  // namespace hotplugd
