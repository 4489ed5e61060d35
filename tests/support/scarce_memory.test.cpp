// Implements scarce_memory.hpp by replacing operator new. The name of the file makes it part of the test program.

#include "scarce_memory.hpp"

#include "catch.hpp"

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

constexpr long none = -1;
std::atomic<long> first_to_fail{none};
std::atomic<long> end_of_failing{none};
std::atomic<long> counted{0};

struct Loss {
    support::Memory which = support::Memory::any;
    int before = 0;
    int count = 0;
};
thread_local Loss loss;
std::atomic<int> lost{0};

bool fails(bool is_over_aligned) {
    if (first_to_fail.load(std::memory_order_relaxed) != none) {
        const long number = counted++;
        if (number >= first_to_fail && number < end_of_failing) return true;
    }
    if (loss.count == 0 || (loss.which == support::Memory::over_aligned && !is_over_aligned)) return false;
    if (loss.before != 0) {
        --loss.before;
        return false;
    }
    --loss.count;
    ++lost;
    return true;
}

void* allocate(std::size_t size) {
    if (fails(false)) throw std::bad_alloc();
    if (void* const memory = std::malloc(size == 0 ? 1 : size)) return memory;
    throw std::bad_alloc();
}
void* allocate(std::size_t size, std::align_val_t alignment) {
    if (fails(true)) throw std::bad_alloc();
    const auto unit = static_cast<std::size_t>(alignment);
    if (void* const memory = std::aligned_alloc(unit, (size + unit - 1) / unit * unit)) return memory;
    throw std::bad_alloc();
}

template <class... Alignment>
void* allocate_or_null(std::size_t size, Alignment... alignment) noexcept {
    try {
        return allocate(size, alignment...);
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void* operator new(std::size_t size, std::align_val_t alignment) { return allocate(size, alignment); }
void* operator new[](std::size_t size, std::align_val_t alignment) { return allocate(size, alignment); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate_or_null(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return allocate_or_null(size); }
void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
    return allocate_or_null(size, alignment);
}
void* operator new[](std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
    return allocate_or_null(size, alignment);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t, const std::nothrow_t&) noexcept { std::free(memory); }

namespace support {

ScarceMemory::ScarceMemory(long first, long count) {
    counted = 0;
    end_of_failing = first + count;
    first_to_fail = first;
}
ScarceMemory::~ScarceMemory() { first_to_fail = none; }
bool ScarceMemory::reached() const { return counted > first_to_fail; }

void lose_next(Memory which, int count, int before) { loss = {which, before, count}; }
int lost_so_far() { return lost.exchange(0); }

}  // namespace support

namespace {

/// Makes four allocations; the second is over-aligned. Returns: bit n is set if the n-th succeeds.
int successes() {
    constexpr std::align_val_t wide{64};
    int all = 0;
    for (int n = 0; n < 4; ++n) {
        try {
            if (n == 1)
                ::operator delete(::operator new(64, wide), wide);
            else
                ::operator delete(::operator new(8));
            all |= 1 << n;
        } catch (const std::bad_alloc&) {
            continue;
        }
    }
    return all;
}

}  // namespace

TEST_CASE("exactly the chosen allocations fail", "[support]") {
    CHECK(successes() == 0b1111);
    int seen = 0;
    bool reached = false;
    {
        const support::ScarceMemory scarce(1, 2);
        seen = successes();
        reached = scarce.reached();
    }
    CHECK(seen == 0b1001);
    CHECK(reached);
    support::lost_so_far();
    support::lose_next(support::Memory::any, 1, 2);
    seen = successes();
    CHECK(seen == 0b1011);
    support::lose_next(support::Memory::over_aligned);
    seen = successes();
    CHECK(seen == 0b1101);
    CHECK(support::lost_so_far() == 2);
    CHECK(successes() == 0b1111);
}
