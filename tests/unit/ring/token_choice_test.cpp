#include "ring/token_choice.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "support/test_support.hpp"

using namespace mimir;

namespace {

/// A ring as those see it who choose tokens.
struct Members {
    std::vector<Token> choose(std::size_t count, Random& random) const {
        std::vector<ring::TokenOwner> owners;
        for (const auto& [id, tokens] : tokens_of) owners.push_back({.tokens = tokens});
        return ring::choose_tokens(owners, {}, count, random);
    }
    void join(std::size_t count, Random& random) { tokens_of[next++] = choose(count, random); }
    void leave(Random& random) {
        tokens_of.erase(
            std::next(tokens_of.begin(), static_cast<long>(random.below(tokens_of.size())))
        );
    }
    /// How far the farthest is from what its number of tokens entitles it to, as part of that.
    [[nodiscard]] double unevenness() const {
        std::vector<std::pair<Token, int>> all;
        for (const auto& [id, tokens] : tokens_of) {
            for (const Token token : tokens) all.emplace_back(token, id);
        }
        std::ranges::sort(all);
        std::map<int, double> owned;
        for (std::size_t i = 0; i < all.size(); ++i) {
            const auto end = static_cast<std::uint32_t>(all[i].first);
            const auto begin =
                static_cast<std::uint32_t>(all[i == 0 ? all.size() - 1 : i - 1].first);
            owned[all[i].second] += std::uint32_t{end - begin};
        }
        double worst = 0;
        for (const auto& [id, tokens] : tokens_of) {
            const double due =
                4294967296.0 * static_cast<double>(tokens.size()) / static_cast<double>(all.size());
            worst = std::max(worst, std::abs(owned[id] / due - 1));
        }
        return worst;
    }

    std::map<int, std::vector<Token>> tokens_of;
    int next = 0;
};

}  // namespace

TEST_SUITE("ring/token_choice") {
    TEST_CASE("who joins gets its share, and leaves everyone theirs") {
        auto random = test::seeded_random();
        Members members;
        members.join(512, random);
        for (int i = 1; i < 40; ++i) {
            members.join(512, random);
            REQUIRE(members.unevenness() < 0.01);
        }
        SUBCASE("also after a quarter has left") {
            for (int i = 0; i < 10; ++i) members.leave(random);
            CHECK(members.unevenness() < 0.25);
            SUBCASE("and is made even by who comes next") {
                for (int i = 0; i < 10; ++i) members.join(512, random);
                CHECK(members.unevenness() < 0.01);
            }
        }
        SUBCASE("also after everyone was replaced, one after the other") {
            for (int i = 0; i < 60; ++i) {
                members.leave(random);
                members.join(512, random);
            }
            CHECK(members.unevenness() < 0.01);
        }
    }
    TEST_CASE("a share is in proportion to the number of tokens") {
        auto random = test::seeded_random();
        Members members;
        for (const std::size_t count : {512, 128, 256, 512, 64}) members.join(count, random);
        CHECK(members.unevenness() < 0.02);
    }
    TEST_CASE("tokens are sorted, unique, as many as asked for, and nobody else's") {
        auto random = test::seeded_random();
        Members members;
        // So dense that choices collide.
        std::vector<Token> dense;
        for (std::uint32_t i = 0; i < 4096; ++i) dense.push_back(Token{i * 2});
        members.tokens_of[members.next++] = dense;
        for (int i = 0; i < 8; ++i) members.join(512, random);
        std::set<Token> all;
        std::size_t count = 0;
        for (const auto& [id, tokens] : members.tokens_of) {
            CHECK(std::ranges::is_sorted(tokens));
            all.insert(tokens.begin(), tokens.end());
            count += tokens.size();
        }
        CHECK(count == 4096 + 8 * 512);
        CHECK(all.size() == count);
    }
    TEST_CASE("the same ring and the same random numbers give the same tokens") {
        SeededRandom one(7);
        SeededRandom other(7);
        Members members;
        members.join(64, one);
        members.tokens_of.clear();
        members.tokens_of[0] = members.choose(64, other);
        CHECK(members.choose(64, one) == members.choose(64, other));
    }
    TEST_CASE("only those who share are made even") {
        auto random = test::seeded_random();
        Members zone_a;
        Members zone_b;
        for (int i = 0; i < 6; ++i) {
            for (Members* zone : {&zone_a, &zone_b}) {
                std::vector<ring::TokenOwner> owners;
                for (const auto& [id, tokens] : zone_a.tokens_of)
                    owners.push_back({.tokens = tokens, .shares = zone == &zone_a});
                for (const auto& [id, tokens] : zone_b.tokens_of)
                    owners.push_back({.tokens = tokens, .shares = zone == &zone_b});
                zone->tokens_of[zone->next++] = ring::choose_tokens(owners, {}, 256, random);
            }
        }
        CHECK(zone_a.unevenness() < 0.02);
        CHECK(zone_b.unevenness() < 0.02);
    }
    TEST_CASE("who has some tokens already gets those that are missing for its share") {
        auto random = test::seeded_random();
        Members members;
        for (int i = 0; i < 5; ++i) members.join(128, random);
        std::vector<Token> kept = members.tokens_of[4];
        members.tokens_of.erase(4);
        kept.resize(40);
        std::vector<ring::TokenOwner> owners;
        for (const auto& [id, tokens] : members.tokens_of) owners.push_back({.tokens = tokens});
        const auto more = ring::choose_tokens(owners, kept, 88, random);
        kept.insert(kept.end(), more.begin(), more.end());
        std::ranges::sort(kept);
        members.tokens_of[4] = kept;
        CHECK(kept.size() == 128);
        CHECK(members.unevenness() < 0.1);
    }
}
