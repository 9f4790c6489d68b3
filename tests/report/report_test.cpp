#include "src/report/report.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "src/core/core.hpp"
#include "tests/report/samples.hpp"
#include "tests/support.hpp"

using namespace taut;
using namespace taut::report;
using namespace taut::report::test;

namespace {

std::string read(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++found;
  return found;
}

// The row of a text table that begins with `label`.
std::string row(const std::string& text, const std::string& label) {
  const size_t at = text.find("\n" + label + "  ");
  return at == std::string::npos ? "" : text.substr(at + 1, text.find('\n', at + 1) - at - 1);
}

RunReport embedded(const std::string& name) {
  RunReport run = sample(name, kTokens);
  run.width = 16;
  run.tokens = 4;
  run.certificate->embedding_rms = 0.5;
  return run;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(report_test)

BOOST_AUTO_TEST_CASE(the_summary_has_a_column_a_run) {
  RunReport bare;
  bare.name = "bare";
  const Comparison c = compare({sample("first"), bare});
  const Table table = summary_table(c, sized({0.25}));
  BOOST_TEST(table.header == (std::vector<std::string>{"", "first", "bare"}),
             boost::test_tools::per_element());
  const std::string text = to_text(table);
  const auto ends = [&](const std::string& label, const std::string& first,
                        const std::string& second) {
    const std::string line = row(text, label);
    BOOST_TEST_CONTEXT(label << ": " << line) {
      BOOST_TEST(has(line, "  " + first + "  "));
      BOOST_TEST(line.size() >= second.size());
      BOOST_TEST(line.substr(line.size() - std::min(line.size(), second.size())) == second);
    }
  };
  ends("clean accuracy", "80.0 % of 5 rows", "not measured");
  ends("parameters", "12,345", "0");
  ends("step (ms)", "4.25", "not measured");
  ends("largest activation entry", "3.5", "not measured");
  ends("K: l2, pixels in [0, 1] -> l2, last hidden token", "2", "not certified");
  ends("log10 K", "0.3011", "not certified");  // rounded up
  ends("median certified radius", "0.25", "not certified");
  ends("median attack radius", "0.5", "not attacked");
  ends("accuracy certified at 0.25", "40.0 %", "not certified");
  ends("accuracy certified at 0.25, fp32 program", "20.0 %", "not certified");
  ends("accuracy under attack at 0.25", "60.0 %", "not attacked");
  ends("attacks inside a certified radius", "0 of 3", "not certified");
  BOOST_TEST(has(text, "\nthreat: l2, pixels in [0, 1]\n"));
}

BOOST_AUTO_TEST_CASE(runs_with_different_threats_are_reported_together) {
  const taut::test::TempFolder folder;
  RunReport uncertified = sample("attacked only", kEntries);
  uncertified.certificate.reset();
  RunReport unattacked = sample("certified only");
  unattacked.attacks.clear();
  write_report(folder / "out", compare({sample("both"), uncertified, unattacked}), {});
  for (const char* file : {"report.html", "report.md"}) {
    const std::string text = read(folder / "out" / file);
    BOOST_TEST_CONTEXT(file) {
      BOOST_TEST(has(text, "Threat: l2, pixels in"));
      BOOST_TEST(has(text, "Threat: linf, pixels in"));
      BOOST_TEST(has(text, "not certified"));
      BOOST_TEST(has(text, "not attacked"));
      BOOST_TEST(has(text, "attacks inside a certified radius: 0 of 3"));
      BOOST_TEST(has(text, "git_revision"));
      BOOST_TEST(has(text, "blocks.0.query.weight"));
      BOOST_TEST(has(text, "1.23456, 1.23457"));  // sigma, rounded outward
      BOOST_TEST(has(text, "training (s)"));
      BOOST_TEST(has(text, "certified only: 5 certified, not attacked"));
    }
  }
  BOOST_TEST(count(read(folder / "out" / "report.html"), "<svg") == 3u);
}

BOOST_AUTO_TEST_CASE(a_page_refers_to_nothing_and_believes_no_name) {
  const taut::test::TempFolder folder;
  const std::string name = "<script>alert(1)</script>|\"' onload=x ]]>` \n$(id)";
  RunReport run = sample(name);
  run.facts["<img src=x>"] = "<iframe>";
  run.certificate->weights[0].path = "<svg onload=1>";
  write_report(folder.path(), compare({run, sample("plain")}), {});
  const std::string html = read(folder / "report.html"), md = read(folder / "report.md");
  BOOST_TEST(count(html, "http") == count(html, "xmlns=\"http://www.w3.org/2000/svg\""));
  for (const char* bad :
       {"<script", "<iframe", "<img", "<link", "<svg onload", "src=\"", "url(", "@import"}) {
    BOOST_TEST(!has(html, bad), bad);
    BOOST_TEST(!has(md, bad), bad);
  }
  BOOST_TEST(
      has(html, "&lt;script&gt;alert(1)&lt;/script&gt;|&quot;&#39; onload=x ]]&gt;`  $(id)"));
  BOOST_TEST(has(md, "&lt;script&gt;alert(1)&lt;/script&gt;\\|"));
  BOOST_TEST(has(read(folder / "report.csv"),
                 "\"<script>alert(1)</script>|\"\"' onload=x ]]>` \n$(id)\","));
}

BOOST_AUTO_TEST_CASE(a_planted_contradiction_is_shown) {
  const taut::test::TempFolder folder;
  RunReport run = sample("wrong");
  set_attack_radius(run, 0, 0.4375);
  write_report(folder.path(), compare({run}), {});
  const std::string html = read(folder / "report.html");
  BOOST_TEST(has(html, "class=\"verdict bad\">attacks inside a certified radius: 1 of 3"));
  BOOST_TEST(has(html, "<td>0.4375</td><td>0.5</td>"));
  BOOST_TEST(has(html, "1 below the line"));
}

BOOST_AUTO_TEST_CASE(notes_are_told_on_the_page) {
  const taut::test::TempFolder folder;
  RunReport other = sample("b");
  other.certificate->example += 100;
  write_report(folder.path(), compare({sample("a"), other}), {});
  BOOST_TEST(
      has(read(folder / "report.html"), "differences between the two may come from the data"));
  BOOST_TEST(has(read(folder / "report.md"), "share no row"));
}

BOOST_AUTO_TEST_CASE(embeddings_get_relative_figures) {
  const taut::test::TempFolder folder;
  RunReport unknown = sample("no rms", kTokens);
  write_report(folder.path(), compare({embedded("a"), unknown}), {});
  const std::string html = read(folder / "report.html");
  BOOST_TEST(count(html, "<svg") == 3u);  // absolute, relative, scatter
  BOOST_TEST(has(html, "largest RMS of a perturbed token / RMS of the embedding table"));
  BOOST_TEST(has(html, "accuracy certified at 0.1 of the embedding RMS"));
  BOOST_TEST(has(html, "median certified radius / embedding RMS"));  // unit: .5 sqrt(16) = 2
  BOOST_TEST(has(html, "left out: the RMS of its embedding is not known"));
  BOOST_TEST(has(html, "RMS not known"));
}

BOOST_AUTO_TEST_CASE(caps_are_held_broken_or_open) {
  const taut::test::TempFolder folder;
  RunReport run = sample("a");
  run.certificate->weights.push_back({"blocks.0.query.weight", 2, 0.49, 0.51});
  run.caps["head.weight"] = kInf;
  write_report(folder.path(), compare({run}), {});
  const std::string md = read(folder / "report.md");
  BOOST_TEST(has(md, "| blocks.0.query.weight | 0 | \\[0.4999, 0.5\\] | 4 | 0.5 | yes |"));
  BOOST_TEST(has(md, "| blocks.0.query.weight | 1 | \\[0.6, 0.61\\] | 4 | 0.5 | no |"));
  BOOST_TEST(has(md, "| blocks.0.query.weight | 2 | \\[0.49, 0.51\\] |  | 0.5 | not proved |"));
  BOOST_TEST(has(md, "| head.weight | 0 | \\[1.23456, 1.23457\\] |  | none |  |"));
}

BOOST_AUTO_TEST_CASE(layers_are_listed_with_their_largest_entries) {
  const taut::test::TempFolder folder;
  write_report(folder.path(), compare({sample("a")}), {});
  const std::string md = read(folder / "report.md");
  BOOST_TEST(has(md, "| blocks.0.query | 1.25 | 0.5 |"));
  BOOST_TEST(has(md, "| head | 3.5 | 0.75 |"));
}

BOOST_AUTO_TEST_CASE(the_csv_holds_every_figure) {
  const taut::test::TempFolder folder;
  write_report(folder.path(), compare({sample("a,b")}), sized({0.25}));
  const std::string csv = read(folder / "report.csv");
  BOOST_TEST(csv.rfind("run,threat,norm,quantity,weight,head,eps,relative_eps,value\r\n", 0) == 0u);
  BOOST_TEST(has(csv, "\"a,b\",l2,\"l2, pixels in [0, 1]\",certified_accuracy,,,0.25,,0.4\r\n"));
  BOOST_TEST(has(csv, "\"a,b\",,l2 -> l2,sigma_upper,blocks.0.query.weight,1,,,0.61\r\n"));
  BOOST_TEST(has(csv, "\"a,b\",,,train_seconds,,,,,61.5\r\n"));
}

BOOST_AUTO_TEST_CASE(a_failed_report_leaves_the_old_one) {
  const taut::test::TempFolder folder, empty;
  std::ofstream(folder / "report.html") << "old";
  const Comparison c = compare({sample("a")});
  const std::string path = std::getenv("PATH");
  setenv("PATH", empty.path().c_str(), 1);
  BOOST_CHECK_THROW(write_report(folder.path(), c, {}), Error);
  setenv("PATH", path.c_str(), 1);
  BOOST_TEST(read(folder / "report.html") == "old");
  BOOST_TEST(!std::filesystem::exists(folder / "report.md"));
  write_report(folder.path(), c, {});
  BOOST_TEST(read(folder / "report.html") != "old");
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    files += entry.is_regular_file() ? 1 : 0;
  }
  BOOST_TEST(files == 3u);
}

BOOST_AUTO_TEST_CASE(a_folder_that_cannot_be_made_is_an_error) {
  const taut::test::TempFolder folder;
  std::ofstream(folder / "file") << "in the way";
  BOOST_CHECK_THROW(write_report(folder / "file", compare({sample("a")}), {}), Error);
}

BOOST_AUTO_TEST_CASE(facts_that_differ_are_told_apart) {
  const taut::test::TempFolder folder;
  RunReport first = sample("a");
  first.certificate->provenance = {{"device", "cpu"}};
  write_report(folder.path(), compare({first, sample("b")}), {});
  const std::string md = read(folder / "report.md");
  BOOST_TEST(has(md, "| seed | a | b |"));
  BOOST_TEST(has(md, "| git_revision | abc123 |"));
  BOOST_TEST(has(md, "| certificate: device | cpu |  |"));
}

BOOST_AUTO_TEST_CASE(a_configuration_is_compared_key_by_key) {
  RunReport first = sample("a"), second = sample("b");
  first.facts["config"] = "# how\nseed = 1\n[train]\nsteps=500\nlr = 0.1\n";
  second.facts["config"] = "seed = 1\n[train]\nsteps=700\nlr = 0.1\nodd line";
  const Comparison c = compare({first, second});
  BOOST_TEST(c.runs[0].facts.count("config") == 0u);
  BOOST_TEST(c.runs[0].facts.at("config: seed") == "1");
  BOOST_TEST(c.runs[0].facts.at("config: train.steps") == "500");
  BOOST_TEST(c.runs[1].facts.at("config: train.steps") == "700");
  BOOST_TEST(c.runs[1].facts.at("config: line 5") == "odd line");
}

BOOST_AUTO_TEST_SUITE_END()
