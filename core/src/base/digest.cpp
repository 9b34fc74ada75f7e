#include "base/digest.hpp"

#include <openssl/evp.h>

#include <array>
#include <stdexcept>

namespace opslab {

std::string sha256_hex(std::string_view data) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    if (EVP_Digest(data.data(), data.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1) {
        throw std::runtime_error("OpenSSL offers no SHA-256");
    }
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    text.reserve(std::size_t{2} * size);
    for (unsigned int i = 0; i < size; ++i) {
        text.push_back(kDigits[digest.at(i) >> 4U]);
        text.push_back(kDigits[digest.at(i) & 0xfU]);
    }
    return text;
}

}  // namespace opslab
