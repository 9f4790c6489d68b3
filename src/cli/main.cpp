#include "src/cli/program.hpp"

int main(int argc, char** argv) { return taut::cli::program(argc, argv); }
