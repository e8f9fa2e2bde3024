// SPDX-License-Identifier: Apache-2.0
#include "tests/peer/pattern.h"

/* a 64-bit mix (splitmix64) of the position gives eight bytes */
static uint64_t pattern_word(uint32_t seed, uint64_t index)
{
	uint64_t word = (index + 1) * 0x9e3779b97f4a7c15 ^ (uint64_t)seed << 32;

	word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9;
	word = (word ^ (word >> 27)) * 0x94d049bb133111eb;
	return word ^ (word >> 31);
}

void pattern_fill(uint32_t seed, uint64_t offset, unsigned char *data, size_t size)
{
	uint64_t word = pattern_word(seed, offset / 8) >> offset % 8 * 8;

	for (size_t i = 0; i < size; i++, offset++) {
		if (offset % 8 == 0)
			word = pattern_word(seed, offset / 8);
		data[i] = (unsigned char)word;
		word >>= 8;
	}
}
