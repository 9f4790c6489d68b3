#include "src/report/document.hpp"

#include <fmt/format.h>

#include "src/report/format.hpp"

namespace taut::report {
namespace {

constexpr const char* kStyle = R"(
body { font: 15px/1.5 system-ui, sans-serif; color: #1d1d1f; background: #fff;
       max-width: 62rem; margin: 2rem auto; padding: 0 1.2rem; }
h1 { font-size: 1.6rem; line-height: 1.25; } h2 { font-size: 1.25rem; margin-top: 2.4rem;
     border-bottom: 1px solid #d8d8dc; padding-bottom: .25rem; } h3 { font-size: 1.05rem; margin-top: 1.6rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .87rem; font-variant-numeric: tabular-nums; margin: .6rem 0; }
th, td { text-align: left; padding: .28rem .9rem .28rem .3rem; border-bottom: 1px solid #e8e8ec;
         vertical-align: top; overflow-wrap: anywhere; }
thead th { border-bottom: 2px solid #9a9aa2; }
tbody th { font-weight: 400; color: #444; overflow-wrap: normal; min-width: 15rem; }
tbody tr:hover { background: #f6f7f9; }
figure { margin: 1.2rem 0; } figure svg { width: 100%; height: auto; }
figure.square svg { max-width: 42rem; }
figcaption, .note { color: #555; font-size: .87rem; max-width: 54rem; }
.verdict { font-weight: 600; padding: .55rem .8rem; border-left: 4px solid #009E73; background: #eef8f4; }
.verdict.bad { border-color: #CC0000; background: #fdeeee; }
details { margin: .5rem 0; } summary { cursor: pointer; }
)";

struct HtmlWriter {
  int figures = 0;

  std::string operator()(const Heading& h) const {
    return fmt::format("<h{0}>{1}</h{0}>\n", h.level, html_text(h.text));
  }
  std::string operator()(const Paragraph& p) const {
    return "<p class=\"note\">" + html_text(p.text) + "</p>\n";
  }
  std::string operator()(const Verdict& v) const {
    return fmt::format("<p class=\"verdict{}\">{}</p>\n", v.good ? "" : " bad", html_text(v.text));
  }
  std::string operator()(const Table& t) const { return to_html(t); }
  std::string operator()(const Figure& f) {
    return fmt::format("<figure{}>\n{}\n<figcaption>{}</figcaption>\n</figure>\n",
                       f.plot.square ? " class=\"square\"" : "",
                       to_svg(f.plot, fmt::format("f{}", ++figures)), html_text(f.caption));
  }
  std::string operator()(const Fold& f) const {
    return "<details><summary>" + html_text(f.title) + "</summary>\n" + to_html(f.table) +
           "</details>\n";
  }
};

struct MarkdownWriter {
  std::string operator()(const Heading& h) const {
    return std::string(static_cast<size_t>(h.level), '#') + ' ' + markdown_text(h.text) + "\n\n";
  }
  std::string operator()(const Paragraph& p) const { return markdown_text(p.text) + "\n\n"; }
  std::string operator()(const Verdict& v) const { return "**" + markdown_text(v.text) + "**\n\n"; }
  std::string operator()(const Table& t) const { return to_markdown(t) + '\n'; }
  std::string operator()(const Figure& f) const {
    return "Figure, in report.html: " + markdown_text(f.caption) + "\n\n";
  }
  std::string operator()(const Fold& f) const {
    return "### " + markdown_text(f.title) + "\n\n" + to_markdown(f.table) + '\n';
  }
};

}  // namespace

std::string to_html(const Document& document, const std::string& title) {
  std::string out = fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta "
      "name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{0}</title>\n"
      "<style>{1}</style>\n</head>\n<body>\n<h1>{0}</h1>\n",
      html_text(title), kStyle);
  HtmlWriter writer;
  for (const Block& block : document) out += std::visit(writer, block);
  return out + "</body>\n</html>\n";
}

std::string to_markdown(const Document& document, const std::string& title) {
  std::string out = "# " + markdown_text(title) + "\n\n";
  for (const Block& block : document) out += std::visit(MarkdownWriter{}, block);
  return out;
}

}  // namespace taut::report
