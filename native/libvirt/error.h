// What went wrong in libvirt, in libvirt's own names and words.
#pragma once

#include <stdexcept>
#include <string>

namespace hotplugd {

class LibvirtError : public std::runtime_error {
 public:
  LibvirtError(std::string code, const std::string& message, bool lost = false)
      : std::runtime_error(message), code_(std::move(code)), lost_(lost) {}

  // What the calling thread's last libvirt call left behind.
  static LibvirtError last();

  const std::string& code() const noexcept { return code_; }
  int number() const noexcept { return number_; }
  int domain() const noexcept { return domain_; }
  // The connection, not the hypervisor, failed: whether the call was carried out is unknown.
  bool lost() const noexcept { return lost_; }

 private:
  std::string code_;
  int number_ = 0;
  int domain_ = 0;
  bool lost_;
};

// Passes a libvirt result on, or throws the error that came with -1 or null.
int checked(int result);
template <typename T>
T* checked(T* result) {
  if (result == nullptr) throw LibvirtError::last();
  return result;
}

}  // namespace hotplugd
