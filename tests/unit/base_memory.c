/* Sizes, allocation, arena and growing text. */
#define _DEFAULT_SOURCE 1 /* madvise, mincore */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/size.h"
#include "base/text.h"

/* Requests that are too large for the sanitizer return null, as from the system. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void test_sizes(void **state)
{
    (void)state;
    size_t out = 7;
    assert_false(bc_size_mul(SIZE_MAX / 2 + 1, 2, &out));
    assert_false(bc_size_add(SIZE_MAX, 1, &out));
    assert_int_equal(out, 7);
    assert_true(bc_size_mul(SIZE_MAX, 1, &out));
    assert_true(out == SIZE_MAX);
    assert_true(bc_size_add(SIZE_MAX - 1, 1, &out));
    assert_true(out == SIZE_MAX);
}

static void test_overflow(void **state)
{
    (void)state;
    static const size_t pairs[][2] = {{SIZE_MAX, 2},     {SIZE_MAX / 2 + 1, 2}, {SIZE_MAX, 1},
                                      {SIZE_MAX - 1, 1}, {1, SIZE_MAX - 62},    {1, SIZE_MAX / 2}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        volatile size_t count = pairs[i][0], size = pairs[i][1];
        assert_null(bc_alloc(count, size));
        assert_null(bc_calloc(count, size));
        assert_null(bc_realloc(NULL, count, size));
    }
    assert_null(bc_strndup("", SIZE_MAX));
}

static void test_alloc(void **state)
{
    (void)state;
    for (size_t n = 0; n < 300; n++) {
        unsigned char *memory = bc_alloc(n, 1);
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % 64, 0);
        memset(memory, 1, n);
        bc_free(memory);
        memory = bc_calloc(n, 3);
        assert_non_null(memory);
        for (size_t i = 0; i < 3 * n; i++) assert_int_equal(memory[i], 0);
        unsigned char *line = bc_align(memory + n);
        assert_int_equal((uintptr_t)line % 64, 0);
        assert_in_range(line - (memory + n), 0, 63);
        assert_ptr_equal(bc_align(line), line);
        bc_free(memory);
    }
    assert_null(bc_align(NULL));
    char *copy = bc_strndup("abc", 2);
    assert_string_equal(copy, "ab");
    copy = bc_realloc(copy, 0, 8);
    assert_non_null(copy);
    bc_free(copy);
    bc_free(NULL);
}

/* Large blocks are aligned to huge pages. */
static void test_large(void **state)
{
    (void)state;
    enum { LARGE = 2 << 20 };
    for (size_t n = LARGE; n < 3 * LARGE; n += LARGE / 4 - 1) {
        unsigned char *memory = bc_alloc(n, 1);
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % LARGE, 0);
        memset(memory, 1, n);
        bc_free(memory);
    }
}

/* bc_prefault allocates the pages of a block and keeps their contents. */
static void test_prefault(void **state)
{
    (void)state;
    enum { BYTES = 9 << 20, BEGIN = 12345, COUNT = 5 << 20 };
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    unsigned char *memory = bc_calloc(BYTES, 1), there;
    assert_non_null(memory);
    memory[BEGIN] = 1;
    memory[BEGIN + COUNT - 1] = 2;
    if (madvise((void *)((uintptr_t)memory / page * page), page, MADV_POPULATE_WRITE) != 0) {
        bc_free(memory);
        print_message("skipped: this kernel does not allocate pages in bulk\n");
        skip();
    }
    bc_prefault(memory + BEGIN, COUNT, 2);
    uintptr_t at = ((uintptr_t)memory + BEGIN + page - 1) / page * page;
    for (; at + page <= (uintptr_t)memory + BEGIN + COUNT; at += page) {
        assert_int_equal(mincore((void *)at, page, &there), 0);
        assert_true(there & 1);
    }
    for (size_t i = 0; i < BYTES; i++) assert_int_equal(memory[i], i == BEGIN ? 1 : i == BEGIN + COUNT - 1 ? 2 : 0);
    bc_prefault(memory + BEGIN, 0, 2);
    bc_prefault(memory + BEGIN, 1, 2);
    bc_prefer_large(memory + BEGIN, 1);
    bc_free(memory);
}

static void take_blocks(bc_arena *arena, unsigned char **first, unsigned char **second)
{
    *first = bc_arena_take(arena, 5, 13);
    bc_arena_take(arena, 0, 4);
    *second = bc_arena_take(arena, 1, 1);
}

static void test_arena(void **state)
{
    (void)state;
    bc_arena arena;
    unsigned char *a, *b;
    bc_arena_init(&arena, NULL, 0);
    take_blocks(&arena, &a, &b);
    assert_null(a);
    assert_null(b);
    assert_int_equal(arena.used, 256);
    size_t need = arena.used;
    void *block = bc_alloc(need, 1);
    bc_arena_init(&arena, block, need);
    take_blocks(&arena, &a, &b);
    assert_int_equal(arena.used, need);
    assert_ptr_equal(a, block);
    assert_ptr_equal(b, a + 192);
    memset(a, 1, 65);
    memset(b, 2, 1);
    bc_free(block);
    bc_arena_init(&arena, NULL, 0);
    bc_arena_take(&arena, SIZE_MAX, 2);
    assert_true(arena.used == SIZE_MAX);
    bc_arena_take(&arena, 1, 1);
    assert_true(arena.used == SIZE_MAX);
}

static void test_text(void **state)
{
    (void)state;
    bc_text text = {0};
    for (int i = 0; i < 1000; i++) bc_text_printf(&text, "%d,", i);
    bc_text_quote(&text, "a\"b");
    assert_false(text.failed);
    assert_int_equal(text.length, 10 * 2 + 90 * 3 + 900 * 4 + 6);
    assert_int_equal(strlen(text.bytes), text.length);
    assert_string_equal(text.bytes + text.length - 10, "999,\"a\\\"b\"");
    bc_text_put(&text, "", SIZE_MAX / 2);
    assert_true(text.failed);
    bc_text_put(&text, "x", 1);
    assert_int_equal(text.length, 10 * 2 + 90 * 3 + 900 * 4 + 6);
    bc_text_clear(&text);
    assert_null(text.bytes);
}

static void keep(void *user, const char *line)
{
    strcpy(user, line);
}

static void test_error(void **state)
{
    (void)state;
    bertc_error err = {0};
    char line[1024];
    bertc_notify notify = {keep, line};
    assert_int_equal(bc_fail(&err, BERTC_INPUT, "a\nb\x1b[31m%s", "c\x7f"), BERTC_INPUT);
    assert_string_equal(err.message, "a?b?[31mc?");
    assert_int_equal(bc_fail_memory(&err), BERTC_NOMEM);
    assert_int_equal(err.status, BERTC_INPUT);
    assert_string_equal(err.message, "a?b?[31mc?");
    assert_int_equal(bc_fail(NULL, BERTC_IO, "x"), BERTC_IO);
    err = (bertc_error){0};
    bc_fail(&err, BERTC_IO, "%5000d", 1);
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
    /* Both ends of a long line stay, and no character is split. */
    char path[3001];
    for (int shift = 0; shift < 2; shift++) {
        err = (bertc_error){0};
        memset(path, '/', sizeof path);
        for (int i = shift; i + 1 < 3000; i += 2) memcpy(path + i, "\xC3\xA9", 2);
        path[3000 - shift] = '\0';
        bc_fail(&err, BERTC_IO, "%s: the reason", path);
        size_t length = strlen(err.message);
        assert_true(length >= sizeof err.message - 4);
        const char *gap = strstr(err.message, "...");
        assert_non_null(gap);
        assert_memory_equal(gap - 2, "\xC3\xA9...\xC3\xA9", 7);
        assert_string_equal(err.message + length - strlen(": the reason"), ": the reason");
    }
    bc_notify(&notify, "%d\t%s", 1, "two");
    assert_string_equal(line, "1?two");
    bc_notify(NULL, "nothing");
    bc_notify(&(bertc_notify){0}, "nothing");
    assert_string_equal(bertc_version(), "0.1.0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes), cmocka_unit_test(test_overflow), cmocka_unit_test(test_alloc),
        cmocka_unit_test(test_large), cmocka_unit_test(test_prefault), cmocka_unit_test(test_arena),
        cmocka_unit_test(test_text),  cmocka_unit_test(test_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
