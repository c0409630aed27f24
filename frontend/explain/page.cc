// Puts the parts of the page together: frontend/explain/page/, embedded as they stand.
#include <string_view>

#include "frontend/explain/explain_data.h"
#include "frontend/interop/json.h"

#define SINTER_PAGE_PART(name) \
  extern "C" const char sinter_embedded_explain_##name[], sinter_embedded_explain_##name##_end[];
SINTER_PAGE_PART(page)
SINTER_PAGE_PART(style)
SINTER_PAGE_PART(model)
SINTER_PAGE_PART(layout)
SINTER_PAGE_PART(drawing)
SINTER_PAGE_PART(details)
SINTER_PAGE_PART(kernels)
SINTER_PAGE_PART(memory)
SINTER_PAGE_PART(timeline)
SINTER_PAGE_PART(main)
#undef SINTER_PAGE_PART

namespace sinter {
namespace {

// `text` with what stands for a part replaced by it, once.
void put_in(std::string& text, std::string_view mark, std::string_view part) {
  const size_t at = text.find(mark);
  text.replace(at, mark.size(), part);
}

// Within a script "</" would end it, and "<!--" begin what hides its end.
std::string within_script(const std::string& json) {
  std::string result;
  result.reserve(json.size());
  for (const char c : json) {
    if (c == '<')
      result += "\\u003c";
    else
      result += c;
  }
  return result;
}

}  // namespace

std::string explain_page(const Config& data) {
  const auto part = [](const char* begin, const char* end) {
    return std::string_view(begin, static_cast<size_t>(end - begin));
  };
#define SINTER_PART(name) part(sinter_embedded_explain_##name, sinter_embedded_explain_##name##_end)
  std::string page(SINTER_PART(page)), scripts;
  for (const std::string_view script :
       {SINTER_PART(model), SINTER_PART(layout), SINTER_PART(drawing), SINTER_PART(details),
        SINTER_PART(kernels), SINTER_PART(memory), SINTER_PART(timeline), SINTER_PART(main)})
    scripts += script;
  put_in(page, "/* style.css */", SINTER_PART(style));
#undef SINTER_PART
  put_in(page, "/* scripts */", scripts);
  put_in(page, "/* data */", within_script(to_json_text(data)));
  return page;
}

}  // namespace sinter
