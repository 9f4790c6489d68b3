#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <torch/version.h>

#include "kernels/kernels.hpp"
#include "revision.hpp"
#include "src/cli/verbs.hpp"
#include "src/core/core.hpp"
#include "src/io/io.hpp"
#include "src/team/team.hpp"

namespace taut::cli {
namespace {

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

std::string cuda() { return at::globalContext().hasCUDA() ? "available" : "not available"; }

}  // namespace

std::map<std::string, std::string> provenance() {
  return {
      {"taut", kVersion},
      {"git_revision", kRevision},
      {"torch", TORCH_VERSION},
      {"blas", first_line(at::get_mkl_version())},
      {"certificate_blas", kernels::blas_name()},
      {"hdf5", io::hdf5_version()},
      {"cuda", cuda()},
      {"cuda_kernels", kernels::cuda_compiled() ? "compiled" : "not in this build"},
      {"device", "cpu"},
      {"cpu_capability", at::get_cpu_capability()},
      {"threads", std::to_string(at::get_num_threads())},
      {"ranks", std::to_string(team::world().size)},
      {"mpi", team::mpi_version()},
      {"cli11", CLI11_VERSION},
      {"fmt", std::to_string(FMT_VERSION)},
  };
}

std::string version_text() {
  std::string text = fmt::format("taut {} ({})\n", kVersion, kRevision);
  for (const auto& [name, value] : provenance()) {
    if (name != "taut" && name != "git_revision") text += fmt::format("  {:<17} {}\n", name, value);
  }
  return text;
}

}  // namespace taut::cli
