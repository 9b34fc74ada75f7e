#include <opslab/docker/tar_archive.hpp>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

namespace opslab::docker {
namespace {

constexpr std::size_t kBlock = 512;

using Block = std::array<char, kBlock>;

void put_text(Block& block, std::size_t at, std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        block.at(at + i) = text[i];
    }
}

// Octal digits with leading zeros; the byte behind them stays NUL.
void put_octal(Block& block, std::size_t at, std::size_t digits, std::uint64_t value) {
    for (std::size_t i = digits; i > 0; --i) {
        block.at(at + i - 1) = static_cast<char>('0' + (value & 7U));
        value >>= 3U;
    }
}

std::optional<std::size_t> octal_at(std::string_view block, std::size_t at, std::size_t digits) {
    std::size_t value = 0;
    for (const char c : block.substr(at, digits)) {
        if (c == '\0' || c == ' ') {
            break;
        }
        if (c < '0' || c > '7') {
            return std::nullopt;
        }
        value = value * 8 + static_cast<std::size_t>(c - '0');
    }
    return value;
}

constexpr bool is_note(char type) {
    return type == 'x' || type == 'g' || type == 'L' || type == 'K';
}

constexpr bool is_plain_file(char type) {
    return type == '0' || type == '\0';
}

}  // namespace

std::optional<std::string> only_file_of(std::string_view tar) {
    while (tar.size() >= kBlock) {
        const auto size = octal_at(tar, 124, 12);
        const char type = tar[156];
        tar.remove_prefix(kBlock);
        if (!size || *size > tar.size()) {
            return std::nullopt;
        }
        if (is_plain_file(type)) {
            return std::string{tar.substr(0, *size)};
        }
        if (!is_note(type)) {
            return std::nullopt;
        }
        tar.remove_prefix(std::min(tar.size(), (*size + kBlock - 1) / kBlock * kBlock));
    }
    return std::nullopt;
}

void TarArchive::add_header(
    std::string_view name, std::uint32_t mode, char type, std::size_t size
) {
    if (name.empty() || name.size() > 99) {
        throw std::logic_error("a name in a tar archive has 1 to 99 bytes");
    }
    Block block{};
    put_text(block, 0, name);
    put_octal(block, 100, 7, mode);
    put_octal(block, 108, 7, owner_.uid);
    put_octal(block, 116, 7, owner_.gid);
    put_octal(block, 124, 11, size);
    put_octal(block, 136, 11, 0);
    put_text(block, 148, "        ");  // the checksum counts its own field as blanks
    block.at(156) = type;
    put_text(block, 257, "ustar");
    put_text(block, 263, "00");
    std::uint32_t sum = 0;
    for (const char c : block) {
        sum += static_cast<unsigned char>(c);
    }
    put_octal(block, 148, 6, sum);
    block.at(154) = '\0';
    bytes_.append(block.data(), block.size());
}

void TarArchive::add_directory(std::string_view name, std::uint32_t mode) {
    add_header(name, mode, '5', 0);
}

void TarArchive::add_file(std::string_view name, std::uint32_t mode, std::string_view content) {
    add_header(name, mode, '0', content.size());
    bytes_.append(content);
    bytes_.append((kBlock - content.size() % kBlock) % kBlock, '\0');
}

std::string TarArchive::finish() && {
    bytes_.append(2 * kBlock, '\0');
    return std::move(bytes_);
}

}  // namespace opslab::docker
