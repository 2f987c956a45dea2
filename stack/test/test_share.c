/* What a site may take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stack/share.h"

/* From the definition: 64 at once, then one each 50 ms; what was left unused adds up to
 * 64 again, and no further. */
static void a_site_has_a_burst_and_then_twenty_a_second(void **state)
{
    (void)state;
    struct share_cell cell = {0};
    for (int i = 0; i < 64; i++)
        assert_true(share_take(&cell, SEC(5)));
    assert_false(share_take(&cell, SEC(5)));
    assert_false(share_take(&cell, SEC(5) + MS(49)));
    assert_true(share_take(&cell, SEC(5) + MS(50)));
    assert_false(share_take(&cell, SEC(5) + MS(50)));
    uint32_t taken = 0;
    for (mist_time now = SEC(6); now < SEC(16); now += MS(1))
        taken += share_take(&cell, now);
    assert_in_range(taken, 19 + 199, 19 + 201); /* 0.95 s unused, and 10 s */
    for (int i = 0; i < 64; i++)
        assert_true(share_take(&cell, SEC(3600)));
    assert_false(share_take(&cell, SEC(3600)));
}

static void a_site_has_an_eighth_of_the_links_once_half_are_taken(void **state)
{
    (void)state;
    assert_true(share_has_room(&(struct share_cell){.links = 100}, 127, 256));
    assert_false(share_has_room(&(struct share_cell){.links = 32}, 128, 256));
    assert_true(share_has_room(&(struct share_cell){.links = 31}, 255, 256));
}

/* 203.0.113.x and 2001:db8:1::/48 are sites; their neighbours are others. */
static void addresses_of_one_site_share_a_cell(void **state)
{
    (void)state;
    uint8_t one[16] = {0x20, 1, 0x0d, 0xb8, 0, 1}, same[16] = {0x20, 1, 0x0d, 0xb8, 0, 1, 7, 9};
    struct addr a = addr_v4(0xcb007101, 1), b = addr_v4(0xcb0071fe, 2);
    struct addr c = addr_v6(one, 1), d = addr_v6(same, 2);
    uint32_t apart = 0, moved = 0;
    for (uint64_t salt = 1; salt <= 1000; salt++) {
        struct addr next = addr_v4(0xcb007201, 1);
        assert_int_equal(share_cell(salt << 40, &a), share_cell(salt << 40, &b));
        assert_int_equal(share_cell(salt << 40, &c), share_cell(salt << 40, &d));
        assert_true(share_cell(salt << 40, &a) < SHARE_CELLS);
        apart += share_cell(salt << 40, &a) != share_cell(salt << 40, &next);
        moved += share_cell(salt << 40, &a) != share_cell((salt + 1) << 40, &a);
    }
    assert_true(apart > 970 && moved > 970); /* of 1,000, 992 expected; sigma 2.8 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_site_has_a_burst_and_then_twenty_a_second),
        cmocka_unit_test(a_site_has_an_eighth_of_the_links_once_half_are_taken),
        cmocka_unit_test(addresses_of_one_site_share_a_cell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
