#include "plugin/catalogue.hpp"

#include "temp_folder.hpp"

#include <opslab/testing/matchers.hpp>

namespace opslab::plugin {
namespace {

using ::opslab::testing::IsErrorAnd;
using ::opslab::testing::IsOk;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(Catalogue, NamesAreSortedByKindAndOtherFilesAreLeftAlone) {
    const TempFolder folder;
    folder.copy_plugin("runner-least", "runner-zeta.so");
    folder.copy_plugin("runner-least", "runner-alpha.so");
    folder.copy_plugin("storage-c", "storage-broken.so");
    folder.write("README.md", "no plugin");
    folder.write("runner-old.so.bak", "no plugin");

    const Catalogue catalogue{{folder.path()}};

    EXPECT_THAT(catalogue.names(Kind::runner), ElementsAre("alpha", "zeta"));
    EXPECT_THAT(catalogue.names(Kind::storage), ElementsAre("broken"));
}

TEST(Catalogue, TheListHoldsRefusedPluginsWithTheirReasons) {
    const TempFolder folder;
    folder.copy_plugin("runner-least", "runner-least.so");
    const auto refused = folder.copy_plugin("runner-major", "runner-broken.so");

    const auto listed = Catalogue{{folder.path()}}.list();

    ASSERT_THAT(listed, SizeIs(2));
    EXPECT_EQ(listed[0].name, "broken");
    EXPECT_EQ(listed[0].version, "");
    ASSERT_TRUE(listed[0].refusal);
    EXPECT_EQ(
        listed[0].refusal->message,
        refused.string() + ": plugin \"broken\": built for ABI 2.1, wanted 1.x"
    );
    EXPECT_EQ(listed[1].name, "least");
    EXPECT_EQ(listed[1].version, "1.2.3");
    EXPECT_FALSE(listed[1].refusal);
}

TEST(Catalogue, TheFirstFolderCounts) {
    const TempFolder first;
    const TempFolder second;
    const auto wanted = first.copy_plugin("runner-least", "runner-least.so");
    second.copy_plugin("runner-major", "runner-least.so");

    const auto opened = Catalogue{{first.path(), second.path()}}.open(Kind::runner, "least");

    ASSERT_THAT(opened, IsOk());
    EXPECT_EQ(opened->description().file, wanted);
}

TEST(Catalogue, AnUnknownNameGetsTheNearestAndTheFolders) {
    const TempFolder folder;
    folder.copy_plugin("runner-least", "runner-docker.so");
    const Catalogue catalogue{{"/nowhere", folder.path()}};

    EXPECT_THAT(
        catalogue.open(Kind::runner, "doker"),
        IsErrorAnd(
            Errc::not_found,
            "no runner plugin \"doker\" in /nowhere, " + folder.path().string() +
                "; did you mean \"docker\"?"
        )
    );
}

TEST(Catalogue, APluginOfTheOtherKindIsNotMeant) {
    const TempFolder folder;
    folder.copy_plugin("runner-least", "runner-sqlite.so");

    EXPECT_THAT(
        Catalogue{{folder.path()}}.open(Kind::storage, "sqlite"),
        IsErrorAnd(Errc::not_found, "no storage plugin \"sqlite\" in " + folder.path().string())
    );
}

TEST(Catalogue, NoFoldersAndMissingFoldersHoldNothing) {
    EXPECT_THAT(Catalogue{{}}.names(Kind::runner), IsEmpty());
    EXPECT_THAT(Catalogue{{"/nowhere"}}.list(), IsEmpty());
    EXPECT_THAT(
        Catalogue{{}}.open(Kind::runner, "x"),
        IsErrorAnd(Errc::not_found, "no runner plugin \"x\" in no folders")
    );
}

TEST(Catalogue, ANameCannotLeadOutOfTheFolders) {
    const TempFolder folder;
    folder.copy_plugin("runner-least", "runner-least.so");

    EXPECT_THAT(
        Catalogue{{folder.path() / "sub"}}.open(Kind::runner, "../runner-least"),
        IsErrorAnd(Errc::not_found, HasSubstr("no runner plugin \"../runner-least\""))
    );
}

TEST(PluginFolders, AreCanonicalHoweverTheyWereWritten) {
    const TempFolder folder;
    const auto real = std::filesystem::canonical(folder.path());
    for (const auto& way :
         {real.string() + "/.",
          real.string() + "/",
          real.string() + "/../" + real.filename().string()}) {
        EXPECT_EQ(plugin_folders({way}).front(), real) << way;
    }
    EXPECT_EQ(plugin_folders({"/nowhere/./plugins"}).front(), "/nowhere/plugins");
    EXPECT_EQ(plugin_folders({"plugins"}).front(), "plugins");  // the loader refuses it
}

TEST(PluginFolders, ConfiguredOnesComeBeforeThoseBesideTheExecutable) {
    const auto folders = plugin_folders({"/opt/plugins"});
    const auto here = std::filesystem::read_symlink("/proc/self/exe").parent_path();

    ASSERT_THAT(folders, SizeIs(3));
    EXPECT_EQ(folders[0], "/opt/plugins");
    EXPECT_THAT(folders, Contains((here / "../lib/opslab/plugins").lexically_normal()));
    EXPECT_THAT(folders, Contains(here / "plugins"));
}

}  // namespace
}  // namespace opslab::plugin
