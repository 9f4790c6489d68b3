#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "src/core/core.hpp"
#include "src/report/format.hpp"
#include "src/report/plot.hpp"

namespace taut::report {
namespace {

// A folder that goes away with the plot.
class Scratch {
 public:
  Scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "taut-plot-XXXXXX").string();
    require(mkdtemp(name.data()) != nullptr, "cannot make a temporary folder at {}: {}", name,
            std::strerror(errno));
    path_ = name;
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  std::string operator/(const char* name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

std::string read_all(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// Runs gnuplot on a script without a shell and without the user's start-up files (-d); its exit
// status.
int run_gnuplot(const std::string& script, const std::string& out, const std::string& err) {
  std::string arguments[] = {"gnuplot", "-d", script};
  char* argv[] = {arguments[0].data(), arguments[1].data(), arguments[2].data(), nullptr};
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  const int flags = O_WRONLY | O_CREAT | O_TRUNC;
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, out.c_str(), flags, 0600);
  posix_spawn_file_actions_addopen(&files, STDERR_FILENO, err.c_str(), flags, 0600);
  pid_t child = 0;
  const int failed = posix_spawnp(&child, argv[0], &files, nullptr, argv, environ);
  posix_spawn_file_actions_destroy(&files);
  require(
      failed != ENOENT,
      "the plots of a report need gnuplot, which is not on PATH: install the package gnuplot-nox");
  require(failed == 0, "cannot start gnuplot: {}", std::strerror(failed));
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) fail("lost track of gnuplot: {}", std::strerror(errno));
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
}

// What is inside a page needs no XML prologue and no xlink, and its ids must be its own.
std::string embedded(std::string svg, const std::string& id) {
  const size_t begin = svg.find("<svg");
  const size_t end = svg.rfind("</svg>");
  require(begin != std::string::npos && end != std::string::npos, "gnuplot wrote no complete SVG");
  svg = svg.substr(begin, end + 6 - begin);
  replace_all(svg, "xmlns:xlink=\"http://www.w3.org/1999/xlink\"", "");
  replace_all(svg, "xlink:href=", "href=");
  for (const char* quote : {"'", "\""}) {
    for (const char* name : {"gp", "gnuplot_", "textbox", "greybox"}) {
      for (const char* before : {"id=", "href="}) {
        const std::string hash = before[0] == 'h' ? "#" : "";
        replace_all(svg, before + std::string(quote) + hash + name,
                    before + std::string(quote) + hash + id + "-" + name);
      }
    }
  }
  return svg;
}

}  // namespace

std::string to_svg(const Plot& plot, const std::string& id) {
  const Scratch scratch;
  const std::string script = scratch / "plot.gp", out = scratch / "plot.svg",
                    err = scratch / "errors";
  std::ofstream(script, std::ios::binary) << gnuplot_script(plot);
  const int status = run_gnuplot(script, out, err);
  require(status == 0, "gnuplot failed (exit status {}): {}", status, plain_text(read_all(err)));
  return embedded(read_all(out), id);
}

}  // namespace taut::report
