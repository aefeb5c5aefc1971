#include "device-program.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "handle.h"
#include "system-error.h"

namespace hotplugd {
namespace {

using Instructions = std::vector<bpf_insn>;

// No helper is called, so the kernel asks for no other licence than the project's own.
constexpr const char* kLicense = "Apache-2.0";
constexpr const char* kName = "hotplugd";
constexpr unsigned kMostPrograms = 64;

// The part of ours comes first. It says yes to devices of a list and falls through to the program that was there, whose
// instructions follow unchanged: r1 still points to the context, and jumps are relative.
//   r4 = type; if it is no block device, past the list
//   r2 = major; r3 = minor
//   for each device: if (r2 != major) next; if (r3 != minor) next; return 1
constexpr size_t kHead = 5;
constexpr size_t kPerDevice = 4;

bpf_insn instruction(unsigned code, unsigned dst, unsigned src, int off, int imm) {
  bpf_insn one{};
  one.code = static_cast<__u8>(code);
  one.dst_reg = dst & 0xf;
  one.src_reg = src & 0xf;
  one.off = static_cast<__s16>(off);
  one.imm = imm;
  return one;
}

bool isSame(const bpf_insn& a, const bpf_insn& b) { return std::memcmp(&a, &b, sizeof a) == 0; }

bpf_insn load(unsigned reg, size_t offset) {
  return instruction(BPF_LDX | BPF_MEM | BPF_W, reg, BPF_REG_1, static_cast<int>(offset), 0);
}

bpf_insn unless(unsigned reg, unsigned value, size_t past) {
  return instruction(BPF_JMP | BPF_JNE | BPF_K, reg, 0, static_cast<int>(past), static_cast<int>(value));
}

std::array<bpf_insn, kHead> head(size_t devices) {
  return {load(BPF_REG_2, offsetof(bpf_cgroup_dev_ctx, major)), load(BPF_REG_3, offsetof(bpf_cgroup_dev_ctx, minor)),
          load(BPF_REG_4, offsetof(bpf_cgroup_dev_ctx, access_type)),
          instruction(BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_4, 0, 0, 0xffff),
          unless(BPF_REG_4, BPF_DEVCG_DEV_BLOCK, devices * kPerDevice)};
}

std::array<bpf_insn, kPerDevice> allow(dev_t device) {
  return {unless(BPF_REG_2, major(device), 3), unless(BPF_REG_3, minor(device), 2),
          instruction(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 1), instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)};
}

struct Parts {
  std::vector<dev_t> devices;
  Instructions original;
};

// Nothing of ours at the beginning: all of it is the original.
Parts takeApart(const Instructions& whole) {
  const Parts untouched{{}, whole};
  if (whole.size() < kHead) return untouched;
  const size_t list = static_cast<unsigned short>(whole[kHead - 1].off);
  if (list == 0 || list % kPerDevice != 0 || whole.size() < kHead + list) return untouched;
  const auto expected = head(list / kPerDevice);
  if (!std::equal(expected.begin(), expected.end(), whole.begin(), isSame)) return untouched;
  Parts parts;
  for (size_t at = kHead; at < kHead + list; at += kPerDevice) {
    const auto device = makedev(static_cast<unsigned>(whole[at].imm), static_cast<unsigned>(whole[at + 1].imm));
    const auto block = allow(device);
    if (!std::equal(block.begin(), block.end(), whole.begin() + static_cast<long>(at), isSame)) return untouched;
    parts.devices.push_back(device);
  }
  parts.original.assign(whole.begin() + static_cast<long>(kHead + list), whole.end());
  return parts;
}

Instructions putTogether(const Parts& parts) {
  if (parts.devices.empty()) return parts.original;
  Instructions whole;
  const auto first = head(parts.devices.size());
  whole.insert(whole.end(), first.begin(), first.end());
  for (const auto device : parts.devices) {
    const auto block = allow(device);
    whole.insert(whole.end(), block.begin(), block.end());
  }
  whole.insert(whole.end(), parts.original.begin(), parts.original.end());
  return whole;
}

int bpf(bpf_cmd command, bpf_attr& attributes) {
  return static_cast<int>(::syscall(SYS_bpf, command, &attributes, sizeof attributes));
}

__u64 address(const void* pointer) { return reinterpret_cast<__u64>(pointer); }

struct Attached {
  std::vector<unsigned> ids;
  unsigned flags = 0;
};

Attached attachedTo(const Fd& cgroup, const std::string& name) {
  Attached attached;
  attached.ids.resize(kMostPrograms);
  bpf_attr attributes{};
  attributes.query.target_fd = static_cast<__u32>(cgroup.get());
  attributes.query.attach_type = BPF_CGROUP_DEVICE;
  attributes.query.prog_ids = address(attached.ids.data());
  attributes.query.prog_cnt = kMostPrograms;
  if (bpf(BPF_PROG_QUERY, attributes) != 0) fail("bpf(PROG_QUERY)", name);
  attached.ids.resize(attributes.query.prog_cnt);
  attached.flags = attributes.query.attach_flags;
  return attached;
}

Fd openProgram(unsigned id) {
  bpf_attr attributes{};
  attributes.prog_id = id;
  Fd program(bpf(BPF_PROG_GET_FD_BY_ID, attributes));
  if (!program) fail("bpf(PROG_GET_FD_BY_ID)", std::to_string(id));
  return program;
}

bpf_prog_info infoOf(const Fd& program, Instructions* instructions) {
  bpf_prog_info info{};
  if (instructions != nullptr) {
    info.xlated_prog_len = static_cast<__u32>(instructions->size() * sizeof(bpf_insn));
    info.xlated_prog_insns = address(instructions->data());
  }
  bpf_attr attributes{};
  attributes.info.bpf_fd = static_cast<__u32>(program.get());
  attributes.info.info_len = sizeof info;
  attributes.info.info = address(&info);
  if (bpf(BPF_OBJ_GET_INFO_BY_FD, attributes) != 0) fail("bpf(OBJ_GET_INFO_BY_FD)", "program");
  return info;
}

// The kernel hands the instructions out as it runs them. For programs of this kind it translates none, so they can be
// loaded again; those that use maps or call something cannot.
Instructions instructionsOf(const Fd& program, unsigned id) {
  Instructions whole(infoOf(program, nullptr).xlated_prog_len / sizeof(bpf_insn));
  const auto info = infoOf(program, &whole);
  const auto isForeign = [](const bpf_insn& one) {
    const bool isCall = one.code == (BPF_JMP | BPF_CALL);
    const bool isReference = one.code == (BPF_LD | BPF_IMM | BPF_DW) && one.src_reg != 0;
    return isCall || isReference;
  };
  const bool isHidden = whole.empty() || info.xlated_prog_insns == 0;
  if (isHidden || info.nr_map_ids != 0 || std::any_of(whole.begin(), whole.end(), isForeign)) {
    throw SystemError{EOPNOTSUPP, "bpf(OBJ_GET_INFO_BY_FD)", "program " + std::to_string(id)};
  }
  return whole;
}

Fd loadProgram(const Instructions& whole) {
  bpf_attr attributes{};
  attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  attributes.expected_attach_type = BPF_CGROUP_DEVICE;
  attributes.insns = address(whole.data());
  attributes.insn_cnt = static_cast<__u32>(whole.size());
  attributes.license = address(kLicense);
  std::strncpy(attributes.prog_name, kName, sizeof attributes.prog_name - 1);
  Fd program(bpf(BPF_PROG_LOAD, attributes));
  if (!program) fail("bpf(PROG_LOAD)", kName);
  return program;
}

// In one step: there is no moment without a program. Without BPF_F_ALLOW_MULTI there is one at most, which the new one
// replaces by itself.
void replace(const Fd& cgroup, const Fd& before, const Fd& after, unsigned flags) {
  bpf_attr attributes{};
  attributes.target_fd = static_cast<__u32>(cgroup.get());
  attributes.attach_bpf_fd = static_cast<__u32>(after.get());
  attributes.attach_type = BPF_CGROUP_DEVICE;
  attributes.attach_flags = flags;
  if ((flags & BPF_F_ALLOW_MULTI) != 0) {
    attributes.attach_flags |= BPF_F_REPLACE;
    attributes.replace_bpf_fd = static_cast<__u32>(before.get());
  }
  if (bpf(BPF_PROG_ATTACH, attributes) != 0) fail("bpf(PROG_ATTACH)", kName);
}

bool contains(const std::vector<dev_t>& devices, dev_t device) {
  return std::find(devices.begin(), devices.end(), device) != devices.end();
}

std::vector<dev_t> devicesAfter(const std::vector<dev_t>& before, const DeviceRules& rules) {
  std::vector<dev_t> after;
  for (const auto device : before) {
    if (!contains(rules.revoked, device)) after.push_back(device);
  }
  for (const auto device : rules.granted) {
    if (!contains(after, device)) after.push_back(device);
  }
  return after;
}

bool changeProgram(const Fd& cgroup, unsigned id, unsigned flags, const DeviceRules& rules) {
  const auto before = openProgram(id);
  auto parts = takeApart(instructionsOf(before, id));
  auto devices = devicesAfter(parts.devices, rules);
  if (devices == parts.devices) return false;
  parts.devices = std::move(devices);
  replace(cgroup, before, loadProgram(putTogether(parts)), flags);
  return true;
}

// An invalid descriptor: the control group is gone.
Fd openCgroup(const std::string& path) {
  Fd cgroup(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!cgroup && errno != ENOENT) fail("open", path);
  return cgroup;
}

std::vector<unsigned> programsOf(const std::vector<std::string>& cgroups) {
  std::vector<unsigned> all;
  for (const auto& path : cgroups) {
    const auto cgroup = openCgroup(path);
    if (!cgroup) continue;
    const auto ids = attachedTo(cgroup, path).ids;
    all.insert(all.end(), ids.begin(), ids.end());
  }
  return all;
}

Napi::Array render(Napi::Env env, const std::vector<unsigned>& ids) {
  auto list = Napi::Array::New(env, ids.size());
  for (std::uint32_t index = 0; index < ids.size(); ++index) list.Set(index, ids[index]);
  return list;
}

}  // namespace

Render changeDeviceRules(const std::vector<std::string>& cgroups, const DeviceRules& rules) {
  unsigned changed = 0;
  for (const auto& path : cgroups) {
    const auto cgroup = openCgroup(path);
    if (!cgroup) continue;
    const auto attached = attachedTo(cgroup, path);
    for (const auto id : attached.ids) changed += changeProgram(cgroup, id, attached.flags, rules) ? 1 : 0;
  }
  return [changed, ids = programsOf(cgroups)](Napi::Env env) -> Napi::Value {
    auto value = Napi::Object::New(env);
    value.Set("changed", changed);
    value.Set("programs", render(env, ids));
    return value;
  };
}

Render attachedDevicePrograms(const std::vector<std::string>& cgroups) {
  return [ids = programsOf(cgroups)](Napi::Env env) -> Napi::Value { return render(env, ids); };
}

}  // namespace hotplugd
