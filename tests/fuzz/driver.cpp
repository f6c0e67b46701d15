// Stands in for libFuzzer where it is not linked: replays a corpus and random changes of its files, the same every
// time, so that `make test` runs every target a little.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/random.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr int kMutations = 2000;
constexpr std::uint64_t kSeed = 20'240'229;

std::vector<std::string> read_corpus(const std::filesystem::path& dir) {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(dir))
        paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    std::vector<std::string> inputs;
    for (const auto& path : paths) {
        std::ifstream in(path, std::ios::binary);
        inputs.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    }
    return inputs;
}

void mutate(std::string& input, const std::string& other, mimir::Random& random) {
    const std::size_t at = random.below(input.size() + 1);
    const std::size_t length = random.below(std::min<std::size_t>(input.size() - at, 16) + 1);
    switch (random.below(6)) {
        case 0:
            if (at < input.size())
                input[at] = static_cast<char>(input[at] ^ (1 << random.below(8)));
            break;
        case 1:
            if (at < input.size()) input[at] = static_cast<char>(random.next());
            break;
        case 2: input.erase(at, length); break;
        case 3: input.insert(at, input.substr(at, length)); break;
        case 4: input.resize(at); break;
        default: input = input.substr(0, at) + other.substr(random.below(other.size() + 1)); break;
    }
}

void run(const std::string& input) {
    // A copy of exactly its size, so that the sanitizers see a read past the end.
    const std::vector<std::uint8_t> bytes(input.begin(), input.end());
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 2) {
        std::fprintf(stderr, "usage: %s CORPUS_DIR\n", arguments[0]);
        return 2;
    }
    const std::vector<std::string> corpus = read_corpus(arguments[1]);
    if (corpus.empty()) {
        std::fprintf(stderr, "%s is empty\n", arguments[1]);
        return 1;
    }
    for (const std::string& input : corpus) run(input);
    mimir::SeededRandom random(kSeed);
    for (int i = 0; i < kMutations; ++i) {
        std::string input = corpus[random.below(corpus.size())];
        for (std::uint64_t n = 1 + random.below(4); n > 0; --n) {
            mutate(input, corpus[random.below(corpus.size())], random);
        }
        run(input);
    }
    return 0;
}
