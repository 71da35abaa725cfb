// bin/file-digest as a compiled program: what the kind file.digest runs where thousands of files are to be read. A shell
// that starts sha256sum is two new processes and their libraries for each job; this is one, and needs no library.
//
//   c++ -O2 -static -o bin/file-digest file_digest.cpp -lsodium
//
// Usage: file-digest FILE
// Says the SHA-256 and size of FILE on standard output for people, and on file descriptor 3, where it is open, for jobrunner.

#include <sodium/crypto_hash_sha256.h>
#include <sodium/utils.h>

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

namespace {

constexpr int messages = 3;

struct Digest {
    std::array<char, 2 * crypto_hash_sha256_BYTES + 1> sha256{};
    unsigned long long bytes = 0;
};

// False: errno says why it cannot be read.
bool digest_file(const char* path, Digest& digest)
{
    std::FILE* const file = std::fopen(path, "rb");
    if (file == nullptr) {
        return false;
    }
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    static std::array<unsigned char, 65536> block;
    while (const std::size_t length = std::fread(block.data(), 1, block.size(), file)) {
        crypto_hash_sha256_update(&state, block.data(), length);
        digest.bytes += length;
    }
    const bool complete = std::ferror(file) == 0;
    std::fclose(file);
    std::array<unsigned char, crypto_hash_sha256_BYTES> hash{};
    crypto_hash_sha256_final(&state, hash.data());
    sodium_bin2hex(digest.sha256.data(), digest.sha256.size(), hash.data(), hash.size());
    return complete;
}

// As it stands between the quotes of a JSON string.
std::string json_escaped(const char* text)
{
    std::string escaped;
    for (; *text != '\0'; ++text) {
        const auto byte = static_cast<unsigned char>(*text);
        if (byte < 0x20 || byte == 0x7f || byte == '"' || byte == '\\') {
            std::array<char, 8> code{};
            std::snprintf(code.data(), code.size(), "\\u%04x", static_cast<unsigned>(byte));
            escaped += code.data();
        } else {
            escaped += *text;
        }
    }
    return escaped;
}

} // namespace

int main(int argc, char** argv)
{
    if (argc != 2) {
        std::fputs("file-digest: one file was expected\n", stderr);
        return 1;
    }
    Digest digest;
    if (!digest_file(argv[1], digest)) {
        std::fprintf(stderr, "file-digest: %s: %s\n", argv[1], std::strerror(errno));
        return 1;
    }
    std::printf("%s  %s (%llu bytes)\n", digest.sha256.data(), argv[1], digest.bytes);
    std::fflush(stdout);
    const std::string message = "{\"type\":\"done\",\"result\":{\"path\":\"" + json_escaped(argv[1]) +
        "\",\"sha256\":\"" + digest.sha256.data() + "\",\"bytes\":" + std::to_string(digest.bytes) + "}}\n";
    // Shorter than a pipe takes at once, so that it is written whole or not at all.
    const bool said = ::write(messages, message.data(), message.size()) >= 0 || errno == EBADF;
    return said ? 0 : 1;
}
