// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * Fields of every kind in C++: what make takes for them, and their views.
 */

#include "telemetry.hpp"

#include "expect.hpp"

#include <array>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace
{

using telemetry_cpp::get;
using telemetry_cpp::make;

const telemetry_position here = [] {
    telemetry_position position{};
    position.latitude = 10;
    position.longitude = 20;
    return position;
}();

bool near(double a, double b)
{
    return a - b < 1e-6 && b - a < 1e-6;
}

void tails_are_views(telemetry_cpp::pool &pool)
{
    const std::string text(300, 'x');
    const auto log = make<telemetry_log>(pool, 1, uint8_t{ 2 }, text);
    const auto part = make<telemetry_log>(pool, 1, uint8_t{ 2 }, std::string_view(text).substr(0, 3));
    const auto empty = make<telemetry_log>(pool, 1, uint8_t{ 2 }, std::string_view());
    std::vector<uint8_t> bytes = { 1, 2, 3 };
    auto chunk = make<telemetry_chunk>(pool, uint16_t{ 1 }, 2U, bytes);
    telemetry_log head = telemetry_default_log();
    head.severity = 3;
    const auto copy = make<telemetry_log>(pool, head, "copied");

    EXPECT(telemetry_cpp::text_view(get<telemetry_log>(log)) == text);
    EXPECT(telemetry_cpp::text_view(get<telemetry_log>(part)) == "xxx");
    EXPECT(telemetry_cpp::text_view(get<telemetry_log>(empty)).empty());
    EXPECT(!make<telemetry_log>(pool, 1, uint8_t{ 2 }, std::string_view("a\0b", 3)));
    for (uint8_t &byte : telemetry_cpp::data_view(get<telemetry_chunk>(chunk)))
        byte = static_cast<uint8_t>(byte * 2);
    const telemetry_chunk &read = get<telemetry_chunk>(chunk);
    EXPECT(telemetry_cpp::data_view(read).size() == 3 && telemetry_cpp::data_view(read)[2] == 6);
    EXPECT(get<telemetry_log>(copy).severity == 3);
    EXPECT(telemetry_cpp::text_view(get<telemetry_log>(copy)) == "copied");
}

void lists_are_spans(telemetry_cpp::pool &pool)
{
    std::array<telemetry_waypoint, 2> two{};
    two[0].at = here;
    two[1].at = here;
    two[1].hold = 7;
    auto mission = make<telemetry_mission>(pool, "survey", 5.0F, two);
    const auto none = make<telemetry_mission>(pool, "nothing", 5.0F, telemetry_cpp::span<const telemetry_waypoint>());
    const std::vector<telemetry_position> points(40, here);
    const auto track = make<telemetry_track>(pool, uint16_t{ 100 }, points);

    telemetry_cpp::waypoints_view(get<telemetry_mission>(mission))[0].hold = 9;
    const telemetry_mission &read = get<telemetry_mission>(std::as_const(mission));
    EXPECT(telemetry_cpp::waypoints_view(read).size() == 2 && telemetry_cpp::waypoints_view(read)[0].hold == 9);
    EXPECT(telemetry_cpp::waypoints_view(read)[1].hold == 7 && telemetry_cpp::name_view(read) == "survey");
    EXPECT(none && telemetry_cpp::waypoints_view(get<telemetry_mission>(none)).empty());
    EXPECT(telemetry_cpp::points_view(get<telemetry_track>(track)).size() == 40);
    EXPECT(near(telemetry_cpp::points_view(get<telemetry_track>(track))[39].latitude, 10));
}

void optional_fields_are_optionals(telemetry_cpp::pool &pool)
{
    const float angles[] = { 1, 2, 3 };
    const std::array<float, 3> rates = { 4, 5, 6 };
    auto with = make<telemetry_attitude>(pool, 1, angles, rates);
    const auto without = make<telemetry_attitude>(pool, 1, angles, std::nullopt);
    const auto moved = make<telemetry_moved>(pool, 1, here, &here);
    const auto resting = make<telemetry_moved>(pool, 1, here, nullptr);
    telemetry_waypoint point{};
    const std::optional<float> absent = telemetry_cpp::speed_view(point);
    point.has_speed = true;
    point.speed = 3;

    EXPECT(with && without && moved && resting);
    (*telemetry_cpp::rates_view(get<telemetry_attitude>(with)))[1] = 8;
    const telemetry_attitude &read = get<telemetry_attitude>(std::as_const(with));
    EXPECT(near((*telemetry_cpp::rates_view(read))[1], 8) && near((*telemetry_cpp::rates_view(read))[2], 6));
    EXPECT(!telemetry_cpp::rates_view(get<telemetry_attitude>(without)));
    EXPECT(near(telemetry_cpp::target_view(get<telemetry_moved>(moved))->longitude, 20));
    EXPECT(telemetry_cpp::target_view(get<telemetry_moved>(resting)) == nullptr);
    EXPECT(!absent && near(*telemetry_cpp::speed_view(point), 3));
}

} // namespace

int main()
{
    telemetry_cpp::pool pool;

    tails_are_views(pool);
    lists_are_spans(pool);
    optional_fields_are_optionals(pool);
    EXPECT(pool.fini() == 0);
    return failures != 0;
}
