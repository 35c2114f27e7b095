/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Lists of texts: counts, writes and validates them. */

size_t protopool_texts_bytes(const char *const *texts, size_t count, size_t width, size_t most_texts, size_t longest,
                             size_t most)
{
    size_t bytes;

    if (count > most_texts || (texts == NULL && count != 0))
        return most + 1;
    bytes = count * width; /* at most `most` */
    for (size_t i = 0; i < count; i++) {
        const size_t length = protopool_text_length(texts[i], longest);
        if (length > longest || length >= most - bytes)
            return most + 1;
        bytes += length + 1;
    }
    return bytes;
}

static void pp_write_offset(unsigned char *at, size_t width, size_t offset)
{
    const uint32_t of_4 = (uint32_t)offset;
    const uint16_t of_2 = (uint16_t)offset;

    if (width == 1)
        *at = (unsigned char)offset;
    else if (width == sizeof of_2)
        memcpy(at, &of_2, sizeof of_2);
    else
        memcpy(at, &of_4, sizeof of_4);
}

void protopool_store_texts(void *to, const char *const *texts, size_t count, size_t width)
{
    unsigned char *const list = (unsigned char *)to;
    size_t end = count * width;

    for (size_t i = 0; i < count; i++) {
        const size_t bytes = protopool_text_length(texts[i], INT32_MAX) + 1;
        pp_write_offset(list + i * width, width, end);
        memcpy(list + end, texts[i], bytes);
        end += bytes;
    }
}

bool protopool_valid_texts(const void *list, size_t bytes, size_t count, size_t width, size_t longest)
{
    const char *const at = (const char *)list;
    size_t end = count * width; /* of the text before */

    if (count > bytes / width)
        return false;
    for (size_t i = 0; i < count; i++) {
        size_t most, length;
        if (end >= bytes || protopool_offset(list, width, i) != end)
            return false;
        most = bytes - end - 1 < longest ? bytes - end - 1 : longest;
        length = protopool_text_length(at + end, most);
        if (length > most)
            return false;
        end += length + 1;
    }
    return end == bytes;
}
