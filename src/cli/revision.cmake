# Writes OUTPUT with the program's version and git revision; leaves it alone when nothing changed.
set(revision "unknown")
if(GIT)
  execute_process(COMMAND ${GIT} -C ${SOURCE} describe --always --dirty --abbrev=12
    OUTPUT_VARIABLE described OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  if(NOT failed)
    set(revision ${described})
  endif()
endif()
set(text "#pragma once\n\nnamespace taut::cli {\ninline constexpr char kVersion[] = \"${VERSION}\";\ninline constexpr char kRevision[] = \"${revision}\";\n}  // namespace taut::cli\n")
file(WRITE ${OUTPUT}.new "${text}")
file(COPY_FILE ${OUTPUT}.new ${OUTPUT} ONLY_IF_DIFFERENT)
file(REMOVE ${OUTPUT}.new)
