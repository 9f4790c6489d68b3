#pragma once

#include <filesystem>
#include <vector>

#include "attacks/attacks.hpp"
#include "certify/certificate.hpp"

namespace taut::io {

// certificate.h5 and attack.h5 of a run; written atomically, read as hostile input.
void save_certificate(const std::filesystem::path& path, const certify::Certificate& certificate);
certify::Certificate load_certificate(const std::filesystem::path& path);

void save_attacks(const std::filesystem::path& path,
                  const std::vector<attacks::AttackResult>& results);
std::vector<attacks::AttackResult> load_attacks(const std::filesystem::path& path);

}  // namespace taut::io
