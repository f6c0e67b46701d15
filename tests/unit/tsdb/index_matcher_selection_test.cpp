#include "tsdb/index/matcher_selection.hpp"

#include <map>

#include "support/test_support.hpp"

namespace mimir::tsdb {
namespace {

TEST_SUITE_BEGIN("tsdb/index/matcher_selection");

using model::MatchType;

/// An index of the plainest kind; counts what is asked of it.
class NaiveIndex final : public PostingsSource {
  public:
    explicit NaiveIndex(std::vector<model::Labels> series) : series_(std::move(series)) {
        for (std::uint32_t ref = 0; ref < series_.size(); ++ref) {
            for (const model::Label label : series_[ref]) {
                lists_[std::string(label.name)][std::string(label.value)].push_back(ref);
            }
        }
        for (const auto& [name, values] : lists_) {
            for (const auto& [value, list] : values) all_lists_.push_back(&list);
        }
    }

    Result<std::optional<List>> find(std::string_view name, std::string_view value) const override {
        const auto values = lists_.find(std::string(name));
        if (values == lists_.end()) return std::nullopt;
        const auto list = values->second.find(std::string(value));
        if (list == values->second.end()) return std::nullopt;
        return name_of(list->second);
    }
    Result<void> visit_values(std::string_view name, const ValueVisitor& visit) const override {
        const auto values = lists_.find(std::string(name));
        if (values == lists_.end()) return {};
        for (const auto& [value, list] : values->second) {
            ++values_visited;
            MIMIR_TRY(visit(value, name_of(list)));
        }
        return {};
    }
    std::size_t value_count(std::string_view name) const override {
        const auto values = lists_.find(std::string(name));
        return values == lists_.end() ? 0 : values->second.size();
    }
    std::size_t count(List list) const override { return postings(list).size(); }
    Result<void> append(List list, Postings& out) const override {
        ++lists_read;
        out.insert(out.end(), postings(list).begin(), postings(list).end());
        return {};
    }
    Result<void> append_all(Postings& out) const override {
        for (std::uint32_t ref = 0; ref < series_.size(); ++ref) out.push_back(ref);
        return {};
    }
    Result<std::string_view> label_value(std::uint32_t ref, std::string_view name) const override {
        return series_[ref].get(name);
    }

    mutable int lists_read = 0;
    mutable int values_visited = 0;

  private:
    const Postings& postings(List list) const {
        return *all_lists_[static_cast<std::size_t>(list)];
    }
    List name_of(const Postings& list) const {
        const auto at = std::find(all_lists_.begin(), all_lists_.end(), &list);
        return static_cast<List>(at - all_lists_.begin());
    }

    std::vector<model::Labels> series_;
    std::map<std::string, std::map<std::string, Postings>> lists_;
    std::vector<const Postings*> all_lists_;
};

model::Matcher matcher(MatchType type, std::string_view name, std::string_view value) {
    auto created = model::Matcher::create(type, name, value);
    REQUIRE_OK(created);
    return *created;
}

std::vector<model::Labels> sample_series() {
    std::vector<model::Labels> series;
    for (const char* metric : {"up", "errors"}) {
        for (int pod = 0; pod < 300; ++pod) {
            const std::string name = "p" + std::to_string(pod);
            model::LabelsBuilder builder;
            builder.set(model::kMetricName, metric).set("pod", name);
            if (pod % 3 == 0) builder.set("zone", pod % 2 == 0 ? "a" : "b");
            series.push_back(builder.build());
        }
    }
    return series;
}

TEST_CASE("every mix of matchers selects the series for which all of them hold") {
    const std::vector<model::Labels> series = sample_series();
    const NaiveIndex index(series);
    std::vector<model::Matcher> pool;
    for (const char* name : {"__name__", "pod", "zone", "absent"}) {
        for (const char* value :
             {"", "up", "p7", "a", "b|a", "a|", "|p1", "p1.*", ".*", ".+", "x?"}) {
            for (const auto type :
                 {MatchType::equal, MatchType::not_equal, MatchType::regex, MatchType::not_regex}) {
                pool.push_back(matcher(type, name, value));
            }
        }
    }
    SeededRandom random = test::seeded_random();
    for (int round = 0; round < 3000; ++round) {
        model::Matchers matchers;
        for (std::uint64_t i = random.below(4); i > 0; --i) {
            matchers.push_back(pool[random.below(pool.size())]);
        }
        std::string shown;
        for (const model::Matcher& one : matchers) shown += one.to_string() + " ";
        CAPTURE(shown);
        Postings expected;
        for (std::uint32_t ref = 0; ref < series.size(); ++ref) {
            if (model::matches(matchers, series[ref])) expected.push_back(ref);
        }
        const auto selected = select(index, matchers);
        REQUIRE_OK(selected);
        CHECK(*selected == expected);
    }
}

TEST_CASE("nothing is read once a value is known to be absent") {
    const NaiveIndex index(sample_series());
    const auto selected = select(
        index,
        {matcher(MatchType::regex, "pod", "p1.*"), matcher(MatchType::equal, "__name__", "no_such")}
    );
    REQUIRE_OK(selected);
    CHECK(selected->empty());
    CHECK(index.lists_read == 0);
    CHECK(index.values_visited == 0);
}

TEST_CASE("a list of plain alternatives is looked up, not matched value by value") {
    const NaiveIndex index(sample_series());
    const auto selected = select(index, {matcher(MatchType::regex, "pod", "p1|p2|p999")});
    REQUIRE_OK(selected);
    CHECK(selected->size() == 4);
    CHECK(index.values_visited == 0);
}

TEST_CASE("when few series are left, their labels are read instead of all values") {
    const NaiveIndex index(sample_series());
    const auto selected = select(
        index,
        {matcher(MatchType::equal, "pod", "p12"), matcher(MatchType::regex, "pod", "p[0-9]2")}
    );
    REQUIRE_OK(selected);
    CHECK(selected->size() == 2);
    CHECK(index.values_visited == 0);
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::tsdb
